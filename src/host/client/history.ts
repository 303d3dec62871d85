import { parseAddress } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import { pageSize } from '../../core/limits.ts'
import { takeTurns } from '../turns.ts'
import { Watch } from '../watch.ts'
import type { ClientParts } from './parts.ts'
import { PAGE_CHARS_MAX } from './scan.ts'
import { stepView, toJson } from './views.ts'

/** Steps presented before others have their turn. */
const TURN = 64

export function historyHandlers(parts: ClientParts) {
  const { env, reader } = parts
  return {
    history: async ({ address, from, limit, full = false }) => {
      const id = parseAddress(address)
      const { record } = await reader.document(id)
      const stepsMax = pageSize(limit)
      const steps: ShownOutput<'history'>['steps'][number][] = []
      const turn = takeTurns(env.clock, TURN)
      let chars = 0
      for await (const { entry, document } of reader.follow(id, from ?? (await reader.beginning(id)), stepsMax).read()) {
        const step = stepView(parts, id, entry, document, full)
        steps.push(step)
        chars += JSON.stringify(step).length
        if (steps.length >= stepsMax || chars > PAGE_CHARS_MAX) break
        await turn()
      }
      return { steps, lastSeq: record.seq }
    },
    async *watch({ address, full = false, ...options }, { signal }) {
      const id = parseAddress(address)
      reader.definition(id)
      for await (const item of new Watch(parts, id, { ...options, signal }).read()) {
        if ('kind' in item) yield { type: 'progress', address, task: item.task, attempt: item.attempt, progress: toJson(item.progress) }
        else yield { type: 'step', address, step: stepView(parts, id, item.entry, item.document, full) }
      }
    },
  } satisfies Partial<Handlers>
}
