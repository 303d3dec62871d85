import type { LanguageModel } from 'ai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { describe, expectTypeOf, test } from 'vitest'
import { recordedModel, routedModel, scriptedModel, toModel } from 'troupe/agents'
import type { AnyModel, Model, ModelReply } from 'troupe/agents'

declare const anyLanguageModel: LanguageModel

/** Nothing here runs: a mistake is an error of the compiler. */
describe('a model', () => {
  test('is any language model of the AI SDK', () => {
    expectTypeOf<LanguageModel>().toExtend<AnyModel>()
    expectTypeOf<LanguageModelV4>().toExtend<AnyModel>()
    expectTypeOf(toModel(anyLanguageModel)).toEqualTypeOf<Model>()
    toModel(createOpenAICompatible({ name: 'local', baseURL: 'http://localhost' })('tiny'), { stream: false })
    toModel('openai/gpt-5-mini')
    recordedModel('talk.jsonl', { model: anyLanguageModel })
    routedModel({ models: { any: anyLanguageModel, scripted: scriptedModel(['hi']) }, fallback: 'any' })
  })

  test('is a function of one step', () => {
    toModel(async ({ messages }) => ({ text: `${messages.length}`, toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } }))
    // @ts-expect-error -- a reply says what it has used
    toModel(async () => ({ text: '', toolCalls: [], finish: 'stop' }))
    // @ts-expect-error -- no model
    toModel({ modelId: 'x' })
    expectTypeOf<Awaited<ReturnType<Model>>>().toEqualTypeOf<ModelReply>()
  })

  test('routes by conditions that there are', () => {
    // @ts-expect-error -- no such condition
    routedModel({ models: {}, routes: [{ when: { mood: 'good' }, use: 'x' }], fallback: 'x' })
  })
})
