import type { Machines } from 'troupe'
import type { ActorHistory, History } from '../../support/faults/history.ts'
import type { Client } from '../client.ts'
import type { Outside } from '../outside.ts'

/** The properties of reliability-security that a simulated world is held to, and P14: supervision keeps V1 to V7 of `src/host/supervision.ts`. */
export type Property = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8' | 'P9' | 'P13' | 'P14'

export interface Violation {
  readonly property: Property
  readonly what: string
}

export type Report = (what: string) => void

/** What is known of a world that has come to rest. */
export interface Aftermath {
  readonly history: History
  readonly outside: Outside
  /** The store may have lost what it had acknowledged. */
  readonly hasLostTail: boolean
}

export interface WorkloadParts {
  readonly outside: Outside
  readonly hire: (name: string) => Client
  /** About how many operations there should be. */
  readonly size: number
  /** What is there now is never lost, also where the store may lose what it has acknowledged. */
  readonly begun: () => void
  readonly losesTail: boolean
}

/** Something for a world to do: machines, clients that use them, and what must be true of it afterwards. */
export interface Workload {
  readonly machines: Machines
  run(): Promise<void>
  /** Checks beyond those that every history has to pass. */
  readonly checks: Readonly<Partial<Record<Property, (aftermath: Aftermath, report: Report) => void>>>
  /** Whether an actor may still live when all is done. */
  mayLive(actor: ActorHistory): boolean
}
