import type { Model } from '../model.ts'
import { aiSdkModel } from './ai-sdk.ts'
import type { AiSdkModel, AiSdkOptions } from './ai-sdk.ts'
import { heedRetryAfter } from './retry-after.ts'

/** Whatever can be a model: a function of one step, a language model of AI SDK 7, or the id of one at a gateway. */
export type AnyModel = Model | AiSdkModel

/** Of a model made by `toModel`, the step without its patience: a model that has fallbacks does not wait. */
const STEP = Symbol('troupe.step')

/**
 * A model of whatever can be one, as agents call it. When the provider asks to be left alone (`retry-after`), the failed
 * call ends only when that time is over, so that the next attempt comes no sooner; at most after 60 s.
 *
 * @example
 * toModel(createOpenAICompatible({ name: 'local', baseURL: 'http://localhost:11434/v1' })('qwen3'))
 * toModel(async request => ({ text: 'Hello.', toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } }))
 */
export function toModel(model: AnyModel, options?: AiSdkOptions): Model {
  if (STEP in Object(model)) return model as Model
  const step = stepOf(model, options)
  return Object.assign(heedRetryAfter(step), { modelId: modelIdOf(model), [STEP]: step })
}

export function stepOf(model: AnyModel, options?: AiSdkOptions): Model {
  return typeof model === 'function' ? ((model as { [STEP]?: Model })[STEP] ?? model) : aiSdkModel(model, options)
}

export const modelIdOf = (model: AnyModel): string => (typeof model === 'string' ? model : (model.modelId ?? 'unnamed'))
