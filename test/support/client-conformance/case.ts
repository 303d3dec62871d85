import type { Caller, Client, Runtime } from 'troupe'
import { expect } from 'vitest'
import type { clientMachines } from '../client-machines.ts'

/** A runtime of `clientMachines`, and a client that speaks to it: in process, or over HTTP. */
export interface ClientWorld extends AsyncDisposable {
  readonly runtime: Runtime<typeof clientMachines>
  /** Default caller: nobody in particular, as admin. */
  client(caller?: Caller): Client
}

interface Address {
  readonly address: string
}

/** Makes a test of what a client does. */
export type WithClient = (what: string, run: (client: Client, world: ClientWorld) => Promise<void>) => void

/** Waits until something holds that the runtime brings about by itself. */
export const until = <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => expect.poll(read, { timeout: 10_000, interval: 5 }).toSatisfy(holds).then(read)

export const started = (client: Client, machine: string, key: string, input?: unknown): Promise<Address> => client.startActor({ machine, key, ...(input !== undefined && { input: input as never }) })

/** An order that was paid for and shipped. */
export async function shipped(client: Client, key: string): Promise<Address> {
  const actor = await started(client, 'order', key)
  await client.sendEvent({ ...actor, event: { type: 'PAY', cents: 100 } })
  await until(() => client.snapshot(actor), ({ value }) => value === 'ready')
  await client.sendEvent({ ...actor, event: { type: 'SHIP' } })
  return actor
}
