import { describe, expect, test } from 'vitest'
import { scriptedModel } from 'troupe/agents'
import type { Message } from 'troupe/agents'
import { asking, assistant, listening } from '../support/models/calls.ts'

describe('a scripted model', () => {
  test('says the reply that follows those the conversation holds, whoever asks and however often', async () => {
    const script = () => scriptedModel(['one', 'two'])
    const second = asking('go on', { messages: [{ role: 'user', content: 'begin' }, assistant('one'), { role: 'user', content: 'go on' }] })
    const model = script()
    expect((await model(second, listening().scope)).text).toBe('two')
    expect((await model(second, listening().scope)).text).toBe('two')
    expect((await script()(asking('begin'), listening().scope)).text).toBe('one')
  })

  test('names its tool calls by step and position', async () => {
    const reply = await scriptedModel([{ toolCalls: [{ tool: 'add', input: { a: 1 } }, { tool: 'now' }, { tool: 'add', malformed: '{"a":' }] }])(asking('add'), listening().scope)
    expect(reply.finish).toBe('tool-calls')
    expect(reply.toolCalls).toEqual([
      { id: 'call-1-1', tool: 'add', input: { a: 1 } },
      { id: 'call-1-2', tool: 'now', input: {} },
      { id: 'call-1-3', tool: 'add', input: null, malformed: '{"a":' },
    ])
  })

  test('makes a reply of the request where a step is a function', async () => {
    const model = scriptedModel([({ messages }) => `you wrote ${messages.length} message`])
    expect((await model(asking('hi'), listening().scope)).text).toBe('you wrote 1 message')
  })

  test('follows the first rule that fits the last message', async () => {
    const result: Message = { role: 'tool', callId: '1', tool: 'look', result: { found: 3 }, isError: false }
    const model = scriptedModel({
      rules: [
        { when: '"found":3', reply: 'three' },
        { when: /refund/gi, reply: 'gladly' },
        { when: ({ instructions }) => instructions === 'Be rude.', reply: 'no' },
      ],
      otherwise: 'pardon?',
    })
    const say = async (request: ReturnType<typeof asking>): Promise<string> => (await model(request, listening().scope)).text
    expect(await say(asking('A REFUND please'))).toBe('gladly')
    expect(await say(asking('a refund'))).toBe('gladly')
    expect(await say(asking('', { messages: [result] }))).toBe('three')
    expect(await say(asking('hello', { instructions: 'Be rude.' }))).toBe('no')
    expect(await say(asking('hello'))).toBe('pardon?')
  })

  test('streams its text by words, or in as many pieces as asked for', async () => {
    const words = listening()
    await scriptedModel(['To be,  or not\nto be. '])(asking('speak'), words.scope)
    expect(words.told).toEqual(['To', ' be,', '  or', ' not', '\nto', ' be. '])
    const pieces = listening()
    await scriptedModel([{ text: 'abcdefg', chunks: 3, turns: 2 }])(asking('speak'), pieces.scope)
    expect(pieces.told).toEqual(['abc', 'def', 'g'])
  })

  test('fails its first attempts, in the middle of its text', async () => {
    const model = scriptedModel([{ text: 'a b c d', failures: 2 }])
    const second = listening({ attempt: 2 })
    await expect(model(asking('x'), second.scope)).rejects.toMatchObject({ code: 'model/failed', retryable: true })
    expect(second.told.join('')).toBe('a b')
    expect((await model(asking('x'), listening({ attempt: 3 }).scope)).text).toBe('a b c d')
  })

  test('throws what the script says', async () => {
    const refusal = Object.assign(new Error('no such key'), { retryable: false })
    await expect(scriptedModel([{ throws: refusal }])(asking('x'), listening().scope)).rejects.toBe(refusal)
    await expect(scriptedModel([{ throws: 'overloaded' }])(asking('x'), listening().scope)).rejects.toMatchObject({ code: 'model/failed', message: 'overloaded' })
  })

  test('stops when it is aborted, between two pieces or while it hangs', async () => {
    const controller = new AbortController()
    const told: string[] = []
    const onText = (piece: string): void => {
      told.push(piece)
      controller.abort(new Error('enough'))
    }
    const scope = { ...listening().scope, signal: controller.signal, onText }
    await expect(scriptedModel(['a b c'])(asking('x'), scope)).rejects.toThrow('enough')
    expect(told).toEqual(['a'])
    const hanging = new AbortController()
    const answer = scriptedModel([{ hangs: true }])(asking('x'), { ...listening().scope, signal: hanging.signal })
    hanging.abort(new Error('late'))
    await expect(answer).rejects.toThrow('late')
  })

  test('says that the script is at its end, and what it was asked', async () => {
    const request = asking('and now?', { messages: [assistant('one'), { role: 'user', content: 'and now?' }] })
    await expect(scriptedModel(['one'], { modelId: 'writer' })(request, listening().scope)).rejects.toMatchObject({
      code: 'model/unscripted',
      retryable: false,
      message: 'the script of model "writer" has no reply: its replies end with number 1, and the conversation asks for number 2; the last message is "and now?"',
    })
    await expect(scriptedModel({ rules: [] })(asking('hm'), listening().scope)).rejects.toThrow('none of its 0 rules fits; the last message is "hm"')
  })

  test('uses tokens as the script says, else about one for four characters', async () => {
    const scripted = await scriptedModel([{ text: 'x', usage: { inputTokens: 7, outputTokens: 9 } }])(asking('x'), listening().scope)
    expect(scripted.usage).toEqual({ inputTokens: 7, outputTokens: 9 })
    const estimated = await scriptedModel(['x'.repeat(400)])(asking('y'.repeat(4_000)), listening().scope)
    expect(estimated.usage.outputTokens).toBe(100)
    expect(estimated.usage.inputTokens).toBeGreaterThanOrEqual(1_000)
    expect(estimated.usage.inputTokens).toBeLessThan(1_010)
  })
})
