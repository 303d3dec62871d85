import { TroupeError } from '../../core/errors.ts'
import type { OutputOf } from '../../core/client/client.ts'
import type { Call, Run } from '../command.ts'
import type { Output } from '../output/output.ts'
import { stepLine } from '../output/views.ts'

interface Options {
  readonly from?: number
  readonly progress?: boolean
  readonly machine?: string
  readonly run?: string
}

export const watch: Run<Options> = async call => {
  const { args: [address], options: { from, progress, machine, run } } = call
  if (address !== undefined && (machine !== undefined || run !== undefined)) throw new TroupeError('usage/invalid', '--machine and --run are for all actors: leave out the address')
  if (address === undefined && (from !== undefined || progress)) throw new TroupeError('usage/invalid', '--from and --progress are of one actor: name its address')
  return address === undefined ? watchAll(call) : watchOne(call, address)
}

async function watchOne({ options: { from, progress }, out, signal, client: connect }: Call<Options>, address: string): Promise<undefined> {
  const client = await connect()
  for await (const item of client.watch({ address, ...(from !== undefined && { from }), ...(progress && { progress }) }, { signal })) tellWatched(out, item)
}

async function watchAll({ options: { machine, run }, out, signal, client: connect }: Call<Options>): Promise<undefined> {
  const client = await connect()
  for await (const item of client.follow({ ...(machine !== undefined && { machine }), ...(run !== undefined && { run }) }, { signal })) {
    if (item.type !== 'step') continue
    if (out.json) out.item(item.step)
    else out.line(...stepLine(out, item.step, item.step.address))
  }
}

/** A step of one actor, or what its task tells. */
export function tellWatched(out: Output, item: OutputOf<'watch'>, address?: string): void {
  if (out.json) out.item(item)
  else if (item.type === 'step') out.line(...stepLine(out, item.step, address))
  else out.line(' '.repeat(14), ...(address === undefined ? [] : [out.paint('cyan', address), '  ']), out.paint('dim', `${item.task}: `), typeof item.progress === 'string' ? item.progress : JSON.stringify(item.progress))
}
