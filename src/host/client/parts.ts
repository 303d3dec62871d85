import type { AuditEntry, Handlers } from '../../core/client/handler.ts'
import type { HandleParts } from '../handle.ts'
import type { JournalTail } from './journal-tail.ts'
import type { Runtime } from '../runtime.ts'

/** What a runtime is handed for its clients, because it lives elsewhere. */
export interface ClientExtras {
  /** Operations answered by other parts. */
  readonly handlers?: Partial<Handlers>
  /** Hears of each mutating call when it is over. */
  onAudit?(entry: AuditEntry): void
  /** Of Troupe. */
  readonly version?: string
  /** Starts a server of the runtime. */
  serve?(runtime: Runtime, options: InspectOptions): Promise<Inspection>
}

export interface InspectOptions {
  /** Default 4747; 0 takes a free one. */
  readonly port?: number
}

/** A server that shows a runtime. */
export interface Inspection extends AsyncDisposable {
  readonly url: string
  close(): Promise<void>
}

/** What handlers are made of. */
export interface ClientParts extends HandleParts {
  readonly runtime: Runtime
  readonly extras: ClientExtras
  /** What all who follow at the head share. */
  readonly tail: JournalTail
}
