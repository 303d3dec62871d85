import type { Run } from '../command.ts'

export const fork: Run<{ readonly at?: number; readonly as?: string; readonly idempotencyKey?: string }> = async ({ args: [address = ''], options, out, signal, client: connect }) => {
  const client = await connect()
  const seq = options.at ?? (await client.snapshot({ address }, { signal })).seq
  const forked = await client.forkActor({ address, seq, ...(options.as !== undefined && { key: options.as }), ...(options.idempotencyKey !== undefined && { idempotencyKey: options.idempotencyKey }) }, { signal })
  out.answer({ ...forked, from: address, seq }, () => out.line(out.paint('bold', forked.address), ' goes on from ', address, ` after step ${seq}`))
}
