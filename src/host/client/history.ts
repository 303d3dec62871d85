import { parseAddress } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import { TroupeError } from '../../core/errors.ts'
import { pageSize } from '../../core/limits.ts'
import { unknownActor } from '../status.ts'
import { takeTurns } from '../turns.ts'
import { Watch } from '../watch.ts'
import type { ClientParts } from './parts.ts'
import { PAGE_CHARS_MAX } from './scan.ts'
import { stepView, toJson } from './views.ts'

/** Steps presented before others have their turn. */
const TURN = 64

export function historyHandlers(parts: ClientParts) {
  const { env, reader } = parts

  /** The step after which every state can be rebuilt. */
  const beginning = async (id: ActorId, baseSeq: number): Promise<number> => {
    const [first] = await reader.entries(id, 0, 1)
    if (!first) return 0
    try {
      await reader.document(id, first.seq)
      return first.seq - 1
    } catch (error) {
      if (!(error instanceof TroupeError && error.code === 'history/trimmed')) throw error
      return baseSeq - 1
    }
  }

  return {
    history: async ({ address, from, limit, full = false }) => {
      const id = parseAddress(address)
      const stored = await reader.store.load(id)
      if (!stored) throw unknownActor(id)
      const stepsMax = pageSize(limit)
      const steps: ShownOutput<'history'>['steps'][number][] = []
      const turn = takeTurns(env.clock, TURN)
      let chars = 0
      for await (const { entry, document } of reader.follow(id, from ?? (await beginning(id, stored.base.seq)), stepsMax).read()) {
        const step = stepView(parts, id, entry, document, full)
        steps.push(step)
        chars += JSON.stringify(step).length
        if (steps.length >= stepsMax || chars > PAGE_CHARS_MAX) break
        await turn()
      }
      return { steps, lastSeq: stored.record.seq }
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
