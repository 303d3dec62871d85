import type { InputOf, OutputOf } from '../../core/client/client.ts'
import type { ActorStatus } from '../../core/store.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Call, Run } from '../command.ts'
import { actorColumns, paintStatus, statesOf, stepLine } from '../output/views.ts'

interface Options {
  readonly machine?: string
  readonly status?: ActorStatus
  readonly state?: string
  readonly tag?: string
  readonly run?: string
  readonly text?: string
  readonly oldest?: boolean
  readonly limit?: number
  readonly all?: boolean
  readonly tally?: boolean
  readonly watch?: boolean
}

const PAGE = 1_000

export const actors: Run<Options> = async call => {
  const { machine, status, state, tag, run, text } = call.options
  const filter = { ...(machine !== undefined && { machine }), ...(status && { status }), ...(state !== undefined && { state }), ...(tag !== undefined && { tag }), ...(run !== undefined && { run }), ...(text !== undefined && { text }) }
  const client = await call.client()
  if (call.options.tally) return tally(call, await client.tallyActors(filter))
  await list(call, filter)
  return call.options.watch ? go(call, filter) : undefined
}

async function list({ options, out, client: connect, signal }: Call<Options>, filter: InputOf<'tallyActors'>): Promise<void> {
  const client = await connect()
  const found: OutputOf<'listActors'>['actors'] = []
  const limit = options.all ? PAGE : (options.limit ?? 50)
  const total = options.all && !out.json ? (await client.tallyActors(filter, { signal })).total : 0
  const tell = total > PAGE ? out.progress('Reading actors', total) : undefined
  let cursor: string | undefined
  do {
    const page = await client.listActors({ ...filter, order: options.oldest ? 'oldest' : 'newest', limit, ...(cursor !== undefined && { cursor }) }, { signal })
    cursor = page.cursor
    found.push(...page.actors)
    tell?.(Math.min(found.length, total))
    if (out.json && (options.all || options.watch)) for (const actor of page.actors) out.item(actor)
  } while (options.all && cursor !== undefined)
  if (out.json) return options.all || options.watch ? undefined : out.document({ actors: found, ...(cursor !== undefined && { cursor }) })
  if (found.length === 0) return out.note(Object.keys(filter).length === 0 ? 'There are no actors yet: `troupe start MACHINE`.' : 'No actor fits the filter.')
  out.table(found, actorColumns(out))
  if (cursor !== undefined) out.note(`There are more: --limit, or --all.`)
}

function tally({ out }: Call<Options>, { total, groups }: OutputOf<'tallyActors'>): undefined {
  out.answer({ total, groups }, () => {
    out.table(groups.toSorted((a, b) => b.count - a.count), [
      { head: 'MACHINE', cell: ({ machine }) => machine }, { head: 'STATUS', cell: ({ status }) => paintStatus(out, status) },
      { head: 'STATE', cell: ({ states }) => statesOf(states) || '–' }, { head: 'ACTORS', cell: ({ count }) => count, align: 'right' },
    ])
    out.line(`${total} in all`)
  })
}

/** Steps of the actors of the filter, as far as a step can be told by it. */
async function go({ out, client: connect, signal }: Call<Options>, { machine, run, ...others }: InputOf<'tallyActors'>): Promise<undefined> {
  const stray = Object.keys(others)[0]
  if (stray !== undefined) throw new TroupeError('usage/invalid', `--watch goes with --machine and --run, not with --${stray}`)
  const client = await connect()
  for await (const item of client.follow({ ...(machine !== undefined && { machine }), ...(run !== undefined && { run }) }, { signal })) {
    if (item.type !== 'step') continue
    if (out.json) out.item(item.step)
    else out.line(...stepLine(out, item.step, item.step.address))
  }
}
