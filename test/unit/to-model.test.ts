import { spawnSync } from 'node:child_process'
import type { LanguageModelV2 } from '@ai-sdk/provider'
import { customProvider } from 'ai'
import { MockLanguageModelV3, MockLanguageModelV4, convertArrayToReadableStream } from 'ai/test'
import { afterEach, describe, expect, test } from 'vitest'
import { scriptedModel, toModel } from 'troupe/agents'
import type { AnyModel } from 'troupe/agents'
import { asking, listening } from '../support/models/calls.ts'

const text = [{ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: 'Hello.' }, { type: 'text-end', id: '1' }] as const
const usage = { inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 2, text: 2, reasoning: 0 } }
const stop = { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage } as const

const v4 = new MockLanguageModelV4({ modelId: 'four', doStream: async () => ({ stream: convertArrayToReadableStream([...text, stop]) }) })
const v3 = new MockLanguageModelV3({ modelId: 'three', doStream: async () => ({ stream: convertArrayToReadableStream([...text, stop]) }) })
const v2: LanguageModelV2 = {
  specificationVersion: 'v2',
  provider: 'mock',
  modelId: 'two',
  supportedUrls: {},
  doGenerate: async () => {
    throw new Error('only streams')
  },
  doStream: async () => ({ stream: convertArrayToReadableStream([...text, { type: 'finish', finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } }]) }),
}

afterEach(() => {
  globalThis.AI_SDK_DEFAULT_PROVIDER = undefined
})

describe('toModel', () => {
  test.each<[string, AnyModel, string]>([
    ['specification 4', v4, 'four'],
    ['specification 3', v3, 'three'],
    ['specification 2', v2, 'two'],
    ['the default provider, by its id', 'mine', 'mine'],
  ])('takes a model of %s', async (_name, given, modelId) => {
    // Else the SDK warns that it has adapted a model of an earlier specification.
    globalThis.AI_SDK_LOG_WARNINGS = false
    globalThis.AI_SDK_DEFAULT_PROVIDER = customProvider({ languageModels: { mine: v4 } })
    const model = toModel(given)
    expect(model.modelId).toBe(modelId)
    expect(await model(asking('hi'), listening().scope)).toEqual({ text: 'Hello.', toolCalls: [], finish: 'stop', usage: { inputTokens: 3, outputTokens: 2 } })
  })

  test('takes a function, and what it has made itself', async () => {
    const model = toModel(scriptedModel(['Hello.']))
    expect(model.modelId).toBe('scripted')
    expect(toModel(model)).toBe(model)
    expect((await model(asking('hi'), listening().scope)).text).toBe('Hello.')
    expect(toModel(async () => ({ text: '', toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } })).modelId).toBe('unnamed')
  })

  test('leaves out the calls of tools that the provider has run itself', async () => {
    const call = { type: 'tool-call', toolCallId: 's', toolName: 'search', input: '{}', providerExecuted: true } as const
    const searching = new MockLanguageModelV4({ doStream: async () => ({ stream: convertArrayToReadableStream([call, ...text, stop]) }) })
    expect(await toModel(searching)(asking('hi'), listening().scope)).toMatchObject({ text: 'Hello.', toolCalls: [] })
  })

  test('fails where a provider ends a stream without a reason', async () => {
    const vague = new MockLanguageModelV4({ doStream: async () => ({ stream: convertArrayToReadableStream([...text, { type: 'finish', finishReason: { unified: 'other', raw: undefined }, usage }]) }) })
    await expect(toModel(vague)(asking('hi'), listening().scope)).rejects.toMatchObject({ code: 'model/failed', message: 'model "mock-model-id": the stream broke off before its end' })
  })

  test('does not try again what the SDK refuses without a status', async () => {
    const keyless = new MockLanguageModelV4({
      doStream: async () => {
        throw Object.assign(new Error('API key is missing'), { name: 'AI_LoadAPIKeyError' })
      },
    })
    await expect(toModel(keyless)(asking('hi'), listening().scope)).rejects.toMatchObject({ code: 'model/refused', retryable: false })
  })

  test('says what to install where a model needs the SDK and it is missing', () => {
    const script = `
      import { registerHooks } from 'node:module'
      registerHooks({ resolve: (specifier, context, next) => next(specifier === 'ai' ? 'not-installed-here' : specifier, context) })
      const { toModel } = await import('troupe/agents')
      const scope = { signal: new AbortController().signal, idempotencyKey: 'k', attempt: 1, onText() {} }
      const error = await toModel('openai/gpt-5-mini')({ instructions: '', messages: [], tools: [], settings: {} }, scope).catch(error => error)
      console.log(JSON.stringify([error.code, error.message]))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--conditions=troupe-source', '--input-type=module', '--eval', script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(['config/invalid', 'the model "openai/gpt-5-mini" of the AI gateway needs the package "ai": npm install ai'])
  })
})
