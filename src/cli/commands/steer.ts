import type { InputOf, OutputOf } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Call, Run } from '../command.ts'

type Action = 'pause' | 'resume' | 'cancel' | 'stop'
type Filter = InputOf<'tallyActors'>
type Failed = OutputOf<'bulk'>['failed']

interface Options {
  readonly filter?: readonly string[]
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly grace?: number
}

const PAST: Readonly<Record<Action, string>> = { pause: 'Paused', resume: 'Resumed', cancel: 'Cancelled', stop: 'Stopped' }
const NAMES = ['machine', 'status', 'state', 'tag', 'run', 'text'] as const

export const steer = (action: Action): Run<Options> => async call => {
  const { args, options } = call
  if ((args.length === 0) === (options.filter === undefined)) throw new TroupeError('usage/invalid', `name the actors (troupe ${action} order/42), or all of a filter (--filter machine=order)`)
  return options.filter ? steerAll(action, call, readFilter(options.filter)) : steerThese(action, call)
}

async function steerThese(action: Action, { args, options, out, signal, client: connect }: Call<Options>): Promise<number | undefined> {
  if (options.dryRun) return out.answer({ matched: args.length, done: 0, failed: [] }, () => out.line(`${args.length} actors; nothing was done.`))
  const client = await connect()
  const { grace } = options
  const calls = { pause: client.pauseActor, resume: client.resumeActor, stop: client.stopActor, cancel: (input: { address: string }) => client.cancelActor({ ...input, ...(grace !== undefined && { graceMs: grace }) }, { signal }) }
  const failures: unknown[] = []
  for (const address of args) {
    try {
      const done = await calls[action]({ address }, { signal })
      if (out.json) out.item(done)
      else out.line(`${PAST[action]} `, out.paint('bold', address))
    } catch (error) {
      if (args.length === 1) throw error
      out.error(error)
      failures.push(error)
    }
  }
  return failures.length === 0 ? undefined : 1
}

async function steerAll(action: Action, { options, out, signal, client: connect }: Call<Options>, filter: Filter): Promise<number | undefined> {
  const client = await connect()
  const counted = await client.bulk({ filter, action, dryRun: true }, { signal })
  if (options.dryRun) return out.answer(counted, () => out.line(`${counted.matched} actors fit the filter; nothing was done.`))
  if (counted.matched === 0) return out.answer(counted, () => out.line('No actor fits the filter.'))
  if (!options.yes && !(await confirm(`${action} ${counted.matched} actors?`))) return 1
  const result = await client.bulk({ filter, action, expected: counted.matched }, { signal })
  out.answer(result, () => tell(result.done, result.failed))
  return result.failed.length === 0 ? undefined : 1

  function tell(done: number, failed: Failed): void {
    out.line(`${PAST[action]} ${done} of ${result.matched} actors.`)
    for (const { address, error } of failed) out.note(out.paint('red', address), ': ', error.message)
  }
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) throw new TroupeError('usage/invalid', `nobody can be asked here whether to ${question.replace('?', '')}: say --yes, or --dry-run to count them`)
  const prompts = await import('@clack/prompts')
  return (await prompts.confirm({ message: question, initialValue: false })) === true
}

function readFilter(given: readonly string[]): Filter {
  const filter: Record<string, string> = {}
  for (const text of given) {
    const [, name = '', value = ''] = /^(\w+)=(.+)$/s.exec(text) ?? []
    if (!(NAMES as readonly string[]).includes(name)) throw new TroupeError('usage/invalid', `--filter must be NAME=VALUE with one of ${NAMES.join(', ')}, not '${text}'`)
    filter[name] = value
  }
  return filter as Filter
}
