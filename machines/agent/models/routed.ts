import { TroupeError } from '../../../src/core/errors.ts'
import type { Model, ModelReply, ModelRequest, ModelScope } from '../model.ts'
import { costOf, defaultPrices } from '../prices.ts'
import type { PriceTable } from '../prices.ts'
import { modelBreaker } from './breaker.ts'
import type { ModelBreaker } from './breaker.ts'
import { estimateTokens } from './estimate.ts'
import { modelsFor, parseRouting } from './routing-table.ts'
import type { RoutingTable } from './routing-table.ts'
import { modelIdOf, stepOf } from './to-model.ts'
import type { AnyModel } from './to-model.ts'

export interface RoutedOptions extends RoutingTable {
  /** The models by the names that the table uses. */
  readonly models: Readonly<Record<string, AnyModel>>
  /** Default: `defaultPrices`. */
  readonly prices?: PriceTable
  /** Default: one of this process, `modelBreaker()`. */
  readonly breaker?: ModelBreaker
}

/** Tokens that an answer is taken to have where the request sets no `maxOutputTokens`. */
const OUTPUT_TOKENS = 1_000

/**
 * A model that hands each request to another by a table of routes, and to the next one when that fails or its breaker is
 * open. Replies carry the `modelId` of the model that gave them. Throws `config/invalid` for a table that is wrong; where
 * no model is left, `model/failed`, or `model/refused` if none of them would take the request another time.
 *
 * @example
 * routedModel({
 *   models: { small: openai('gpt-5-mini'), large: anthropic('claude-opus-5') },
 *   routes: [{ when: { taskType: 'code' }, use: 'large' }, { when: { longContext: true }, use: 'large' }, { when: { complex: true }, use: 'large' }],
 *   fallback: ['small', 'large'],
 * })
 */
export function routedModel({ models, prices = defaultPrices, breaker = modelBreaker(), ...table }: RoutedOptions): Model {
  const routing = parseRouting(table, Object.keys(models))
  const targets = new Map(Object.entries(models).map(([name, model]) => [name, { name, step: stepOf(model), modelId: modelIdOf(model) }]))

  const routed = async (request: ModelRequest, scope: ModelScope): Promise<ModelReply> => {
    const tokens = estimateTokens(request)
    const costUsd = (name: string): number => costOf(targets.get(name)?.modelId ?? name, { inputTokens: tokens, outputTokens: request.settings.maxOutputTokens ?? OUTPUT_TOKENS }, prices)
    const failures: Failure[] = []
    for (const name of modelsFor(routing, { ...request.hints, tokens }, costUsd)) {
      const target = targets.get(name)
      if (!target) continue
      if (routing.costMaxUsd !== undefined && costUsd(name) > routing.costMaxUsd) {
        failures.push({ name, error: new TroupeError('model/refused', `may cost ${costUsd(name).toFixed(4)} USD, costMaxUsd is ${routing.costMaxUsd}`) })
      } else if (breaker.isOpen(target.modelId)) {
        failures.push({ name, error: new TroupeError('model/failed', 'its breaker is open') })
      } else {
        try {
          const reply = await target.step(request, scope)
          breaker.ended(target.modelId, true)
          return { modelId: target.modelId, ...reply }
        } catch (error) {
          scope.signal.throwIfAborted()
          // A model that refuses a request is well.
          breaker.ended(target.modelId, !mayPass(error))
          failures.push({ name, error })
        }
      }
    }
    throw nobodyLeft(failures)
  }
  return Object.assign(routed, { modelId: 'routed' })
}

interface Failure {
  readonly name: string
  readonly error: unknown
}

const mayPass = (error: unknown): boolean => (error as { retryable?: unknown } | undefined)?.retryable !== false

function nobodyLeft(failures: readonly Failure[]): TroupeError {
  const reasons = failures.map(({ name, error }) => `${name}: ${error instanceof Error ? error.message : String(error)}`)
  // The first that may be asked again says when.
  const waitMs = Math.min(...failures.filter(({ error }) => mayPass(error)).map(({ error }) => (error instanceof TroupeError ? Number(error.details['retryAfterMs'] ?? 0) : 0)))
  return new TroupeError(failures.some(({ error }) => mayPass(error)) ? 'model/failed' : 'model/refused', `no model has answered; ${reasons.join('; ')}`, {
    cause: failures.at(-1)?.error,
    details: { ...(Number.isFinite(waitMs) && waitMs > 0 && { retryAfterMs: waitMs }) },
  })
}
