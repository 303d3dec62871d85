import { describe, expect, test } from 'vitest'
import { TroupeError } from 'troupe'
import { modelBreaker, routedModel, scriptedModel, toModel } from 'troupe/agents'
import type { Model, ModelReply, ModelRequest, RoutedOptions } from 'troupe/agents'
import { asking, listening } from '../support/models/calls.ts'

const named = (modelId: string): Model => scriptedModel([`I am ${modelId}`], { modelId })
const models = { small: named('small'), large: named('large'), long: named('long') }

const ask = async (model: Model, request: ModelRequest): Promise<ModelReply> => model(request, listening().scope)
const whoAnswers = async (options: Omit<RoutedOptions, 'models'>, request: ModelRequest): Promise<string | undefined> => (await ask(routedModel({ models, ...options }), request)).modelId

/** Fails so many times with this error, and counts. */
function failing(modelId: string, error: Error, times = Infinity): Model & { asked: number } {
  const model = Object.assign(async (): Promise<ModelReply> => {
    model.asked += 1
    if (model.asked <= times) throw error
    return { text: 'well again', toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } }
  }, { modelId, asked: 0 })
  return model
}
const busy = new TroupeError('model/failed', 'busy')
const refusal = new TroupeError('model/refused', 'no such model')

describe('routes', () => {
  const table: Omit<RoutedOptions, 'models'> = {
    routes: [
      { when: { longContext: true }, use: 'long' },
      { when: { taskType: ['code', 'review'], complex: 3 }, use: 'large' },
      { when: { complex: true }, use: 'large' },
    ],
    fallback: 'small',
  }

  test('send work on by type, by size, and by complexity; the rest goes to the fallback', async () => {
    expect(await whoAnswers(table, asking('hi'))).toBe('small')
    expect(await whoAnswers(table, asking('hi', { hints: { complexity: 7 } }))).toBe('small')
    expect(await whoAnswers(table, asking('hi', { hints: { complexity: 8 } }))).toBe('large')
    expect(await whoAnswers(table, asking('hi', { hints: { taskType: 'review', complexity: 4 } }))).toBe('large')
    expect(await whoAnswers(table, asking('hi', { hints: { taskType: 'review', complexity: 3 } }))).toBe('small')
    expect(await whoAnswers(table, asking('hi', { hints: { taskType: 'poem', complexity: 4 } }))).toBe('small')
  })

  test('hold a context of more than 100,000 tokens to be long', async () => {
    const tokens = (count: number): ModelRequest => asking('x'.repeat(count * 4), { instructions: '' })
    expect(await whoAnswers(table, tokens(100_000))).toBe('small')
    expect(await whoAnswers(table, tokens(100_001))).toBe('long')
    expect(await whoAnswers({ routes: [{ when: { longContext: 10 }, use: 'long' }], fallback: 'small' }, tokens(11))).toBe('long')
  })

  test('prefer the cheapest, and pass over what costs too much', async () => {
    const prices = { small: { input: 1, output: 1 }, large: { input: 9, output: 9 }, long: { input: 3, output: 3 } }
    const cheapest: Omit<RoutedOptions, 'models'> = { routes: [{ when: {}, use: ['large', 'small', 'long'], prefer: 'cheapest' }], fallback: 'large', prices }
    expect(await whoAnswers(cheapest, asking('hi'))).toBe('small')
    expect(await whoAnswers({ fallback: ['large', 'long', 'small'], costMaxUsd: 0.004, prices }, asking('hi'))).toBe('long')
    expect(await whoAnswers({ fallback: ['large', 'long', 'small'], costMaxUsd: 0.004, prices }, asking('hi', { settings: { maxOutputTokens: 2_000 } }))).toBe('small')
    await expect(whoAnswers({ fallback: 'large', costMaxUsd: 0.001, prices }, asking('hi'))).rejects.toMatchObject({ code: 'model/refused', message: 'no model has answered; large: may cost 0.0090 USD, costMaxUsd is 0.001' })
  })

  test.each<[string, object, string]>([
    ['no fallback', {}, 'fallback: Invalid input'],
    ['a model that is not there', { fallback: 'tiny' }, 'fallback: there is no model "tiny"; there are small, large, long'],
    ['a model that is not there, in a route', { fallback: 'small', routes: [{ when: {}, use: ['small', 'tiny'] }] }, 'routes[0].use: there is no model "tiny"'],
    ['a condition that nobody knows', { fallback: 'small', routes: [{ when: { mood: 'good' }, use: 'small' }] }, 'routes[0].when: Unrecognized key: "mood"'],
    ['a number that is none', { fallback: 'small', routes: [{ when: { complex: 'very' }, use: 'small' }] }, 'routes[0].when.complex: Invalid input'],
  ])('are refused with %s', (_name, table, message) => {
    const make = (): Model => routedModel({ models, ...(table as { fallback: string }) })
    expect(make).toThrow(TroupeError)
    expect(make).toThrow(message)
  })
})

describe('fallbacks', () => {
  test('answer where a model fails or refuses, in their order, each asked once', async () => {
    const first = failing('first', busy)
    const second = failing('second', refusal)
    const routed = routedModel({ models: { first, second, small: models.small }, routes: [{ when: {}, use: ['first', 'second'] }], fallback: ['first', 'small'] })
    expect(await ask(routed, asking('hi'))).toMatchObject({ text: 'I am small', modelId: 'small' })
    expect([first.asked, second.asked]).toEqual([1, 1])
  })

  test('do not wait for what a provider asks for, unless nobody is left', async () => {
    const patient = failing('patient', new TroupeError('model/failed', 'slow down', { details: { retryAfterMs: 300 } }))
    const began = performance.now()
    const routed = toModel(routedModel({ models: { patient: toModel(patient), small: models.small }, fallback: ['patient', 'small'] }))
    expect((await ask(routed, asking('hi'))).modelId).toBe('small')
    expect(performance.now() - began).toBeLessThan(290)
    await expect(ask(toModel(routedModel({ models: { patient: toModel(patient) }, fallback: 'patient' })), asking('hi'))).rejects.toMatchObject({ details: { retryAfterMs: 300 } })
    expect(performance.now() - began).toBeGreaterThan(290)
  })

  test('are at an end when all have failed, and worth another attempt when one of them is', async () => {
    const both = (left: Error, right: Error): Model => routedModel({ models: { left: failing('left', left), right: failing('right', right) }, fallback: ['left', 'right'] })
    await expect(ask(both(busy, refusal), asking('hi'))).rejects.toMatchObject({ code: 'model/failed', message: 'no model has answered; left: busy; right: no such model' })
    await expect(ask(both(refusal, refusal), asking('hi'))).rejects.toMatchObject({ code: 'model/refused' })
  })

  test('are not asked when the call is aborted', async () => {
    const controller = new AbortController()
    const aborting: Model = async () => {
      controller.abort(new Error('enough'))
      throw busy
    }
    const routed = routedModel({ models: { aborting, small: models.small }, fallback: ['aborting', 'small'] })
    await expect(routed(asking('hi'), { ...listening().scope, signal: controller.signal })).rejects.toThrow('enough')
  })
})

describe('the breaker of a model', () => {
  function brokenFor(times: number, error: Error = busy) {
    let time = 0
    const ill = failing('ill', error, times)
    const routed = routedModel({ models: { ill, small: models.small }, fallback: ['ill', 'small'], breaker: modelBreaker({ failuresMax: 3, openMs: 1_000, now: () => time }) })
    return {
      ill,
      pass: (ms: number) => (time += ms),
      ask: async (count: number) => {
        for (let call = 0; call < count; call++) await ask(routed, asking('hi'))
        return ill.asked
      },
    }
  }

  test('opens after so many failures in a row, and lets one call try after a while', async () => {
    const { ask: call, pass, ill } = brokenFor(4)
    expect(await call(10)).toBe(3)
    pass(999)
    expect(await call(10)).toBe(3)
    pass(1)
    expect(await call(10)).toBe(4)
    pass(1_000)
    expect(await call(10)).toBe(14)
    expect(ill.asked).toBe(14)
  })

  test('stays closed for refusals', async () => {
    expect(await brokenFor(Infinity, refusal).ask(10)).toBe(10)
  })

  test('leaves nobody out for ever when nothing is heard of the call that may try', () => {
    let time = 0
    const breaker = modelBreaker({ failuresMax: 1, openMs: 10, now: () => time })
    breaker.ended('m', false)
    time = 10
    expect([breaker.isOpen('m'), breaker.isOpen('m')]).toEqual([false, true])
    time = 20
    expect(breaker.isOpen('m')).toBe(false)
  })

  test('says so where no other model is left', async () => {
    const breaker = { isOpen: () => true, ended: () => undefined }
    await expect(ask(routedModel({ models, fallback: ['small', 'large'], breaker }), asking('hi'))).rejects.toMatchObject({ code: 'model/failed', message: 'no model has answered; small: its breaker is open; large: its breaker is open' })
  })
})
