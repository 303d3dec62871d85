import { execFile } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { recordedModel, scriptedModel } from 'troupe/agents'
import type { Model, ModelRequest } from 'troupe/agents'
import { asking, listening } from '../support/models/calls.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-recorded-'))
  file = join(folder, 'talk.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Says how often it was asked. */
function counting(): Model {
  let asked = 0
  return async () => ({ text: `answer ${++asked}`, toolCalls: [], finish: 'stop', usage: { inputTokens: 1, outputTokens: 2 } })
}

const say = async (model: Model, request: ModelRequest): Promise<string> => (await model(request, listening().scope)).text

describe('a recorded model', () => {
  test('asks once, and says the same offline ever after', async () => {
    const first = await recordedModel(file, { model: scriptedModel([{ text: 'One moment.', toolCalls: [{ id: 'c', tool: 'add', input: { a: 1 } }], usage: { inputTokens: 3, outputTokens: 4 } }]) })(asking('1 + 2'), listening().scope)
    const { scope, told } = listening()
    const again = await recordedModel(file)(asking('1 + 2'), scope)
    expect(again).toEqual(first)
    expect(again).toMatchObject({ modelId: 'scripted', toolCalls: [{ id: 'c', tool: 'add', input: { a: 1 } }], usage: { inputTokens: 3, outputTokens: 4 }, finish: 'tool-calls' })
    expect(told.join('')).toBe('One moment.')
  })

  test('knows a request by its content, whatever the order of its keys', async () => {
    await say(recordedModel(file, { model: counting() }), asking('x', { settings: { seed: 1, temperature: 0 } }))
    expect(await say(recordedModel(file), asking('x', { settings: { temperature: 0, seed: 1 } }))).toBe('answer 1')
    await expect(say(recordedModel(file), asking('x', { settings: { temperature: 1, seed: 1 } }))).rejects.toThrow('differs in settings.temperature: asked is 1, recorded 0')
  })

  test('fills in what is missing, or asks every time and keeps the last', async () => {
    const model = counting()
    const fill = recordedModel(file, { model })
    expect([await say(fill, asking('a')), await say(fill, asking('a')), await say(fill, asking('b'))]).toEqual(['answer 1', 'answer 1', 'answer 2'])
    const record = recordedModel(file, { model, mode: 'record' })
    expect([await say(record, asking('a')), await say(record, asking('a'))]).toEqual(['answer 3', 'answer 4'])
    expect(await say(recordedModel(file), asking('a'))).toBe('answer 4')
  })

  test('sees what others have added since', async () => {
    const replay = recordedModel(file)
    await expect(say(replay, asking('a'))).rejects.toThrow('holds 0 requests')
    await say(recordedModel(file, { model: counting() }), asking('a'))
    expect(await say(replay, asking('a'))).toBe('answer 1')
  })

  test('reads a line when it is whole, not before', async () => {
    await say(recordedModel(file, { model: counting() }), asking('a'))
    const line = readFileSync(file)
    writeFileSync(file, line.subarray(0, 40))
    const replay = recordedModel(file)
    await expect(say(replay, asking('a'))).rejects.toThrow('holds 0 requests')
    appendFileSync(file, line.subarray(40))
    expect(await say(replay, asking('a'))).toBe('answer 1')
  })

  test('keeps every reply of many calls at once', async () => {
    const model = recordedModel(file, { model: counting() })
    await Promise.all(Array.from({ length: 200 }, (_, index) => say(model, asking(`question ${index}`, { instructions: 'x'.repeat(10_000) }))))
    const replay = recordedModel(file)
    const replies = await Promise.all(Array.from({ length: 200 }, (_, index) => say(replay, asking(`question ${index}`, { instructions: 'x'.repeat(10_000) }))))
    expect(new Set(replies).size).toBe(200)
  })

  test('keeps every reply of several processes at once', async () => {
    const script = `
      import { recordedModel } from 'troupe/agents'
      const [file, name] = process.argv.slice(1)
      const model = recordedModel(file, { model: async () => ({ text: name, toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } }) })
      const scope = { signal: new AbortController().signal, idempotencyKey: 'k', attempt: 1, onText() {} }
      for (let index = 0; index < 100; index++) await model({ instructions: 'x'.repeat(20_000), messages: [{ role: 'user', content: name + index }], tools: [], settings: {} }, scope)`
    const names = ['ann', 'bob', 'eve']
    await Promise.all(names.map(name => promisify(execFile)(process.execPath, ['--conditions=troupe-source', '--input-type=module', '--eval', script, file, name])))
    const lines = readFileSync(file, 'utf8').split('\n').filter(line => line !== '')
    expect(new Set(lines.map(line => JSON.stringify((JSON.parse(line) as { request: ModelRequest }).request.messages))).size).toBe(300)
  })

  test('loses only the line that a crash has broken off, wherever it was', async () => {
    const model = counting()
    await say(recordedModel(file, { model }), asking('a'))
    await say(recordedModel(file, { model }), asking('b'))
    const whole = readFileSync(file)
    const lastLine = whole.lastIndexOf('{"version"')
    for (let end = lastLine; end < whole.length - 1; end += 7) {
      writeFileSync(file, whole)
      truncateSync(file, end)
      await say(recordedModel(file, { model }), asking('c'))
      const replay = recordedModel(file)
      expect(await say(replay, asking('a'))).toBe('answer 1')
      expect(await say(replay, asking('c'))).toMatch(/^answer/)
      await expect(say(replay, asking('b'))).rejects.toMatchObject({ code: 'model/unscripted' })
    }
  })

  test('names the file, the nearest request and where it differs', async () => {
    const model = recordedModel(file, { model: counting() })
    await say(model, asking('Tell me of the weather in Rome today, please.'))
    await say(model, asking('Sing.', { instructions: 'You are a bird.' }))
    appendFileSync(file, '\nnot JSON\n')
    await expect(say(recordedModel(file), asking('Tell me of the weather in Oslo today, please.'))).rejects.toMatchObject({
      code: 'model/unscripted',
      retryable: false,
      message: `the recording ${file} holds 2 requests (unreadable lines: 1), not this one; the nearest, number 1, differs in messages[0].content: asked is …"e of the weather in Oslo today, please.", recorded …"e of the weather in Rome today, please."`,
    })
  })

  test('says that it has nothing to record', () => {
    expect(() => recordedModel(file, { mode: 'record' })).toThrow('mode "record" needs a `model` to record')
  })

  test('records no failures', async () => {
    await expect(say(recordedModel(file, { model: scriptedModel([{ throws: 'busy' }]) }), asking('a'))).rejects.toThrow('busy')
    await expect(say(recordedModel(file), asking('a'))).rejects.toThrow('holds 0 requests, not this one; it asks {"content":"a","role":"user"}')
  })
})
