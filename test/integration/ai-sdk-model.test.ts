import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TroupeError, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { recordedModel, toModel } from 'troupe/agents'
import type { AiSdkOptions, Model, ModelRequest } from 'troupe/agents'
import { createActor, toPromise } from 'xstate'
import { toErrorInfo } from '../../src/core/errors.ts'
import { asking, listening } from '../support/models/calls.ts'
import { answer, calls, chatServer, ends, failure, says, stream, used } from '../support/models/chat-server.ts'
import type { ChatAnswer, ChatServer } from '../support/models/chat-server.ts'

const KEY = 'sk-very-secret'

function clientOf({ baseURL }: ChatServer, options?: AiSdkOptions & { readonly structured?: boolean }): Model {
  const provider = createOpenAICompatible({ name: 'test', baseURL, apiKey: KEY, includeUsage: true, supportsStructuredOutputs: options?.structured ?? false })
  return toModel(provider('tiny'), options)
}

const tools: ModelRequest['tools'] = [{ name: 'add', description: 'Adds.', input: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } } }]

async function errorOf(server: ChatServer, request = asking('hi'), scope = listening().scope, options?: AiSdkOptions): Promise<TroupeError> {
  const thrown = await Promise.resolve(clientOf(server, options)(request, scope)).then(() => undefined, (error: unknown) => error)
  if (thrown instanceof TroupeError) return thrown
  throw new Error('expected a TroupeError', { cause: thrown })
}

describe('a step of a model over HTTP', () => {
  test('streams text as it comes, and says what it has used', async () => {
    await using server = await chatServer(stream([says('Hel'), says('lo'), says('.'), ends('stop'), used(12, 3)]))
    const { scope, told } = listening()
    expect(await clientOf(server)(asking('hi'), scope)).toEqual({ text: 'Hello.', toolCalls: [], finish: 'stop', usage: { inputTokens: 12, outputTokens: 3 } })
    expect(told).toEqual(['Hel', 'lo', '.'])
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]?.body).toMatchObject({ model: 'tiny', stream: true, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'hi' }] })
  })

  test('goes without a stream where it is told to', async () => {
    await using server = await chatServer(answer(200, { id: '1', model: 'tiny', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }))
    const { scope, told } = listening()
    expect(await clientOf(server, { stream: false })(asking('hi'), scope)).toEqual({ text: 'Hello.', toolCalls: [], finish: 'stop', usage: { inputTokens: 5, outputTokens: 2 } })
    expect(told).toEqual(['Hello.'])
    expect(server.requests[0]?.body.stream).toBeUndefined()
  })

  test('tells the model of tools, and hands back what it wants called', async () => {
    await using server = await chatServer(stream([calls(0, { id: 'c1', name: 'add', arguments: '{"a":1,' }), calls(1, { id: 'c2', name: 'nowhere', arguments: '{}' }), calls(0, { arguments: '"b":2}' }), ends('tool_calls'), used(9, 9)]))
    const reply = await clientOf(server)(asking('1 + 2', { tools, settings: { toolChoice: { tool: 'add' }, temperature: 0, maxOutputTokens: 50 } }), listening().scope)
    expect(reply.finish).toBe('tool-calls')
    expect(reply.toolCalls).toEqual([{ id: 'c1', tool: 'add', input: { a: 1, b: 2 } }, { id: 'c2', tool: 'nowhere', input: {} }])
    expect(server.requests[0]?.body).toMatchObject({
      temperature: 0,
      max_tokens: 50,
      tools: [{ type: 'function', function: { name: 'add', description: 'Adds.', parameters: tools[0]?.input } }],
      tool_choice: { type: 'function', function: { name: 'add' } },
    })
  })

  test('hands malformed arguments on as the model wrote them', async () => {
    await using server = await chatServer(stream([calls(0, { id: 'c1', name: 'add', arguments: '{"a": one}' }), calls(1, { id: 'c2', name: 'add', arguments: '' }), ends('tool_calls')]))
    const reply = await clientOf(server)(asking('1 + 2', { tools }), listening().scope)
    expect(reply.toolCalls).toEqual([{ id: 'c1', tool: 'add', input: null, malformed: '{"a": one}' }, { id: 'c2', tool: 'add', input: {} }])
  })

  test('names calls apart where a server calls them all alike', async () => {
    await using server = await chatServer(stream([0, 1, 2].map(index => calls(index, { id: 'call_0', name: 'add', arguments: '{}' })).concat(ends('tool_calls'))))
    const messages: ModelRequest['messages'] = [{ role: 'assistant', content: '', toolCalls: [{ id: 'call_0', tool: 'add', input: {} }, { id: 'call_0-2', tool: 'add', input: {} }] }]
    const { toolCalls } = await clientOf(server)(asking('', { tools, messages }), listening().scope)
    expect(toolCalls[0]?.id).toBe('call_0-3')
    expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(3)
  })

  test('takes a conversation with calls, results and files back to the provider', async () => {
    await using server = await chatServer(stream([says('3'), ends('stop')]))
    await clientOf(server)(asking('', {
      tools,
      messages: [
        { role: 'user', name: 'ann', content: [{ type: 'text', text: 'see' }, { type: 'file', mediaType: 'image/png', data: { base64: 'AAAA' } }] },
        { role: 'assistant', content: 'Let me see.', toolCalls: [{ id: 'c1', tool: 'add', input: { a: 1 } }, { id: 'c2', tool: 'add', input: null, malformed: '{' }] },
        { role: 'tool', callId: 'c1', tool: 'add', result: { sum: 3 }, isError: false },
        { role: 'tool', callId: 'c2', tool: 'add', result: 'no JSON', isError: true },
      ],
    }), listening().scope)
    expect(server.requests[0]?.body.messages).toMatchObject([
      { role: 'system' },
      { role: 'user', content: [{ type: 'text', text: 'ann: ' }, { type: 'text', text: 'see' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
      { role: 'assistant', content: 'Let me see.', tool_calls: [{ id: 'c1', function: { name: 'add', arguments: '{"a":1}' } }, { id: 'c2', function: { name: 'add', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: '{"sum":3}' },
      { role: 'tool', tool_call_id: 'c2', content: 'no JSON' },
    ])
  })

  test('gives the provider back what it has said beside a call', async () => {
    const signed = { extra_content: { google: { thought_signature: 'sig' } } }
    await using server = await chatServer(stream([calls(0, { id: 'c1', name: 'add', arguments: '{}', ...signed }), ends('tool_calls')]), stream([says('ok'), ends('stop')]))
    const { toolCalls } = await clientOf(server)(asking('hi', { tools }), listening().scope)
    await clientOf(server)(asking('hi', { messages: [{ role: 'assistant', content: '', toolCalls }, { role: 'tool', callId: 'c1', tool: 'add', result: 3, isError: false }] }), listening().scope)
    expect(server.requests[1]?.body.messages[1]?.tool_calls).toMatchObject([{ id: 'c1', ...signed }])
  })

  test('is recorded without a key, and replayed without a server', async () => {
    await using server = await chatServer(stream([says('Hello.'), ends('stop')]))
    const folder = mkdtempSync(join(tmpdir(), 'troupe-recorded-'))
    const file = join(folder, 'talk.jsonl')
    const provider = createOpenAICompatible({ name: 'test', baseURL: server.baseURL, apiKey: KEY, headers: { 'x-tenant': 'tenant-of-mine' } })
    const said = await recordedModel(file, { model: provider('tiny') })(asking('hi'), listening().scope)
    expect(server.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'x-tenant': 'tenant-of-mine' })
    const text = readFileSync(file, 'utf8')
    expect(text).toContain('Hello.')
    for (const secret of [KEY, 'tenant-of-mine', server.baseURL]) expect(text).not.toContain(secret)
    expect(await recordedModel(file)(asking('hi'), listening().scope)).toEqual(said)
    expect(server.requests).toHaveLength(1)
    rmSync(folder, { recursive: true })
  })

  test('asks for JSON of a schema, in the instructions where the endpoint knows no schemas', async () => {
    const output = { type: 'object', properties: { sum: { type: 'number' } } }
    await using server = await chatServer(stream([says('{"sum":3}'), ends('stop')]))
    await clientOf(server)(asking('1 + 2', { output }), listening().scope)
    await clientOf(server, { structured: true })(asking('1 + 2', { output }), listening().scope)
    const [plain, structured] = server.requests
    expect(plain?.body).toMatchObject({ response_format: { type: 'json_object' } })
    expect(plain?.body.messages[0]?.content).toBe(`Be brief.\n\nAnswer with JSON alone, of this schema:\n${JSON.stringify(output)}`)
    expect(structured?.body).toMatchObject({ response_format: { type: 'json_schema', json_schema: { schema: output } } })
    expect(structured?.body.messages[0]?.content).toBe('Be brief.')
  })

  test('does not mind fields that nobody knows', async () => {
    await using server = await chatServer(stream([': a comment\n\n', { ...says('ok'), novelty: { a: 1 } }, { ...ends('stop'), system_fingerprint: 'x' }, { ...used(1, 1), odd: [] }]))
    expect(await clientOf(server)(asking('hi'), listening().scope)).toMatchObject({ text: 'ok', finish: 'stop' })
  })

  test('estimates what it has used where the provider does not say', async () => {
    await using server = await chatServer(stream([says('x'.repeat(400)), ends('length')]))
    expect(await clientOf(server)(asking('y'.repeat(4_000)), listening().scope)).toMatchObject({ finish: 'length', usage: { inputTokens: 1_003, outputTokens: 100 } })
  })
})

describe('a step that fails', () => {
  const passing: readonly (readonly [string, ChatAnswer])[] = [
    ['429', failure(429, 'slow down')],
    ['500', failure(500, 'boom')],
    ['503 with a page instead of JSON', answer(503, '<html>busy</html>', { 'content-type': 'text/html' })],
    ['408', failure(408, 'timeout')],
    ['an error in the stream', stream([says('Hel'), { error: { message: 'overloaded', type: 'server_error', code: null } }])],
    ['garbage in the stream', stream([says('Hel'), 'data: {"choices": [oops\n\n', ends('stop')])],
    ['a chunk of another shape', stream([says('Hel'), { choices: 'none' }, ends('stop')])],
    ['a stream that ends too early', stream([says('Hel')])],
    ['an empty stream', stream([])],
    ['a connection that breaks', stream([says('Hel')], 'cut')],
    ['no answer at all', response => response.socket?.destroy()],
  ]
  test.each(passing)('may be tried again: %s', async (_name, given) => {
    await using server = await chatServer(given)
    expect(await errorOf(server)).toMatchObject({ code: 'model/failed', retryable: true })
    // The SDK would have asked three times.
    expect(server.requests).toHaveLength(1)
  })

  test('may be tried again where nobody listens', async () => {
    const { baseURL, ...server } = await chatServer()
    await server[Symbol.asyncDispose]()
    expect(await errorOf({ ...server, baseURL })).toMatchObject({ code: 'model/failed', retryable: true })
  })

  test('may be tried again where an answer in one piece is garbage', async () => {
    await using server = await chatServer(answer(200, '{"choices": ['))
    expect(await errorOf(server, asking('hi'), listening().scope, { stream: false })).toMatchObject({ code: 'model/failed', retryable: true })
  })

  test.each([400, 401, 403, 404, 413, 422])('is not tried again: %i', async status => {
    await using server = await chatServer(failure(status, 'no such model'))
    expect(await errorOf(server)).toMatchObject({ code: 'model/refused', retryable: false, message: `model "tiny" (HTTP ${status}): no such model`, details: { modelId: 'tiny', status } })
  })

  test('shows no key and no conversation', async () => {
    await using server = await chatServer(failure(500, 'boom'))
    const stored = JSON.stringify(toErrorInfo(await errorOf(server, asking('my secret'))))
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`)
    expect(stored).not.toContain(KEY)
    expect(stored).not.toContain('my secret')
  })

  test.each([
    ['a stream', {}, stream([`data: ${'garbage '.repeat(100_000)}\n\n`])],
    ['an answer in one piece', { stream: false }, answer(200, 'garbage '.repeat(100_000))],
    ['a refusal', {}, failure(400, 'garbage '.repeat(100_000))],
  ])('keeps little of %s that is large', async (_name, options, given) => {
    await using server = await chatServer(given)
    expect(JSON.stringify(toErrorInfo(await errorOf(server, asking('hi'), listening().scope, options))).length).toBeLessThan(5_000)
  })

  test.each([
    ['seconds', { 'retry-after': '0.2' }, 200],
    ['milliseconds', { 'retry-after': '9', 'retry-after-ms': '150' }, 150],
    ['a date', { date: 'Thu, 01 Jan 2026 00:00:00 GMT', 'retry-after': 'Thu, 01 Jan 2026 00:00:01 GMT' }, 1_000],
  ])('ends no sooner than the provider asks for, in %s', async (_name, headers, ms) => {
    await using server = await chatServer(failure(429, 'slow down', headers))
    const began = performance.now()
    expect(await errorOf(server)).toMatchObject({ code: 'model/failed', details: { status: 429, retryAfterMs: ms } })
    expect(performance.now() - began).toBeGreaterThan(ms * 0.95)
  })

  test('comes to its end in a task, over overload, a broken stream and an error', async () => {
    await using server = await chatServer(failure(429, 'slow down', { 'retry-after-ms': '20' }), stream([says('Hel')], 'cut'), failure(500, 'boom'), stream([says('Hello.'), ends('stop')]))
    const model = clientOf(server)
    const call = task({ run: (scope: TaskScope<ModelRequest>) => model(scope.input, { ...scope, onText: () => undefined }), retry: { attempts: 4, baseMs: 1 }, retryIf: error => (error as TroupeError).retryable })
    expect(await toPromise(createActor(call, { input: asking('hi') }).start())).toMatchObject({ text: 'Hello.' })
    expect(server.requests).toHaveLength(4)
  })

  test('waits no longer when it is aborted', async () => {
    await using server = await chatServer(failure(429, 'slow down', { 'retry-after': '3600' }))
    expect(await errorOf(server, asking('hi'), listening({ signal: AbortSignal.timeout(200) }).scope)).toMatchObject({ code: 'model/failed', details: { retryAfterMs: 3_600_000 } })
  })

  test.each([
    ['before its first word', []],
    ['in the middle', [says('Hel')]],
  ])('is aborted %s, and hangs up', async (_name, events) => {
    await using server = await chatServer(stream(events, 'open'))
    const controller = new AbortController()
    const reply = clientOf(server)(asking('hi'), { ...listening().scope, signal: controller.signal, onText: () => controller.abort(new Error('enough')) })
    if (events.length === 0) setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(reply).rejects.toThrow('enough')
    await server.hungUp
  })
})
