import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TroupeError } from 'troupe'
import { agent, tool } from 'troupe/agents'
import type { AgentMachine, AgentOptions, Message, Model, Tool } from 'troupe/agents'
import { circuitBreaker } from 'troupe/machines'
import { createTestWorld } from 'troupe/testing'
import type { TestWorldOptions } from 'troupe/testing'
import { assign, setup } from 'xstate'
import type { AnyActorLogic } from 'xstate'
import { z } from 'zod'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { calls, modelOf, words } from '../support/agent-models.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let folder: string
let files = 0
beforeAll(async () => void (folder = await makeTempDir()))
afterAll(() => rm(folder, { recursive: true, force: true }))

const basic = (options: Partial<AgentOptions<unknown>> & Pick<AgentOptions, 'model'>): AgentMachine => agent({ name: 'helper', instructions: 'Help.', ...options } as AgentOptions<unknown>)

async function worldOf(helper: AgentMachine, others: Readonly<Record<string, AnyActorLogic>> = {}) {
  const world = await createTestWorld({ machines: { helper, ...others }, store: await openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: 'NORMAL' }) } as TestWorldOptions<{ helper: AgentMachine }>)
  return Object.assign(world, { actor: () => world.runtime.actor('helper', '1') })
}
const results = (messages: readonly Message[]) => messages.filter(message => message.role === 'tool').map(({ callId, result, isError }) => ({ callId, result, isError }))

/** A tool whose runs end when the test says so. */
function heldTool(name: string, options: Partial<Pick<Tool, 'idempotent' | 'timeoutMs'>> = {}) {
  const runs: { readonly key: string; readonly attempt: number; finish(result: unknown): void }[] = []
  const held = tool({
    name, description: name, input: z.object({}), ...(options as object),
    run: (_input, { idempotencyKey: key, attempt }) => {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      runs.push({ key, attempt, finish: resolve })
      return promise
    },
  })
  return { held, runs }
}

test('a crash between two tool calls runs neither the model nor the finished call again', async () => {
  const [first, second] = [heldTool('first'), heldTool('second')]
  const model = modelOf(calls(['first', {}], ['second', {}]), words('both'))
  await using world = await worldOf(basic({ model, tools: [first.held, second.held] }))
  await world.actor().start({ task: 'go' })
  await world.settle()
  first.runs[0]?.finish('one')
  await world.settle()
  await world.crash()
  await world.restart()
  await world.settle()
  expect(model.requests).toHaveLength(1)
  expect(first.runs).toHaveLength(1)
  expect(second.runs.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(second.runs[0]?.key).toBe(second.runs[1]?.key)
  expect(second.runs[0]?.key).not.toBe(first.runs[0]?.key)
  second.runs[1]?.finish('two')
  expect(await world.actor().result()).toMatchObject({ status: 'done', output: 'both', usage: { modelCalls: 2, toolCalls: 2 } })
  expect(results(model.requests[1]?.messages ?? []).map(({ result }) => result)).toEqual(['one', 'two'])
})

test('wherever the process dies, the work ends as it would have, and nothing committed runs again', async () => {
  for (const point of ['commit', 'committed', 'task-end'] as const) {
    for (let visit = 1; ; visit++) {
      const runs: string[] = []
      const twice: string[] = []
      const count = tool({
        name: 'count', description: 'Counts.', input: z.object({ n: z.number() }),
        run: async ({ n }, { idempotencyKey, callId }) => {
          const isAgain = runs.includes(idempotencyKey)
          runs.push(idempotencyKey)
          if (isAgain && results((await world.actor().snapshot()).context.messages).some(result => result.callId === callId)) twice.push(callId)
          return n
        },
      })
      const model: Model = async ({ messages }, { idempotencyKey }) => {
        runs.push(idempotencyKey)
        const turn = messages.filter(({ role }) => role === 'assistant').length
        return turn < 2 ? calls(['count', { n: turn }, `a${turn}`], ['count', { n: turn + 10 }, `b${turn}`]) : words(`saw ${results(messages).map(({ result }) => Number(result)).toSorted((a, b) => a - b).join()}`)
      }
      await using world = await worldOf(basic({ model, tools: [count] }))
      const dead = world.crash({ point, visit })
      const started = world.actor().start({ task: 'go' })
      started.catch(() => undefined)
      await Promise.race([dead, started.then(() => world.actor().result())])
      const untouched = !world.isDown
      await world.restart()
      await world.actor().start({ task: 'go' })
      expect(await world.actor().result(), `${point} ${visit}`).toMatchObject({ status: 'done', output: 'saw 0,1,10,11', usage: { modelCalls: 3, toolCalls: 4 } })
      expect(twice, `${point} ${visit}: what ran again though its result was committed`).toEqual([])
      expect(runs.length - new Set(runs).size, `${point} ${visit}: ${runs.join()}`).toBeLessThanOrEqual(untouched ? 0 : 2)
      if (untouched) break
    }
  }
})

test('a call that must not begin twice is not run again after a crash, and the model is told', async () => {
  const once = heldTool('once', { idempotent: false })
  const model = modelOf(calls(['once', {}]), words('I do not know whether it happened'))
  await using world = await worldOf(basic({ model, tools: [once.held] }))
  await world.actor().start({ task: 'go' })
  await world.settle()
  await world.crash()
  await world.restart()
  expect(await world.actor().result()).toMatchObject({ status: 'done' })
  expect(once.runs).toHaveLength(1)
  expect(results(model.requests[1]?.messages ?? [])).toMatchObject([{ isError: true, result: { error: expect.stringContaining('interrupted by a crash') } }])
})

test('a tool that never returns ends with its time, a model too, after its attempts', async () => {
  const never = heldTool('never', { timeoutMs: 5_000 })
  const model = modelOf(calls(['never', {}]), words('ok'))
  await using world = await worldOf(basic({ model, tools: [never.held] }))
  await world.actor().start({ task: 'go' })
  await world.advance(5_000)
  expect(await world.actor().result()).toMatchObject({ status: 'done' })
  expect(results(model.requests[1]?.messages ?? [])).toMatchObject([{ isError: true, result: { error: 'the attempt took longer than 5000 ms' } }])

  let attempts = 0
  const silent: Model = () => { attempts++; return new Promise(() => undefined) }
  await using other = await worldOf(basic({ model: silent, modelCall: { timeoutMs: 1_000, retry: { attempts: 3, baseMs: 100, jitter: 0, factor: 1 } } }))
  await other.actor().start({ task: 'go' })
  await other.advance(3_200)
  expect(await other.actor().result()).toMatchObject({ status: 'failed', reason: 'the model: the attempt took longer than 1000 ms' })
  expect(attempts).toBe(3)
})

test('a model that fails is tried again, unless it says that this is of no use', async () => {
  const model = modelOf(new Error('429'), new Error('500'), words('ok'))
  await using world = await worldOf(basic({ model }))
  await world.actor().start({ task: 'go' })
  await world.advance(10_000)
  expect(await world.actor().result()).toMatchObject({ status: 'done', usage: { modelCalls: 1 } })
  expect(model.requests).toHaveLength(3)

  const refused = modelOf(new TroupeError('model/refused', 'no such key'))
  await using other = await worldOf(basic({ model: refused }))
  await other.actor().start({ task: 'go' })
  expect(await other.actor().result()).toMatchObject({ status: 'failed', reason: 'the model: no such key' })
  expect(refused.requests).toHaveLength(1)
})

test('text is told to watchers as it comes, and kept only in the message', async () => {
  const streaming: Model = async (_request, { onText }) => {
    onText('Hel')
    onText('lo')
    return words('Hello')
  }
  await using world = await worldOf(basic({ model: streaming }))
  await world.actor().start()
  const heard: unknown[] = []
  const watching = (async () => {
    for await (const item of world.actor().watch({ progress: true })) {
      heard.push(item.kind === 'progress' ? item.progress : item.snapshot.context.messages.at(-1))
      if (item.kind !== 'progress' && item.snapshot.context.messages.length === 2) return
    }
  })()
  await world.settle()
  await world.actor().send({ type: 'user.message', content: 'hi' })
  await watching
  expect(heard.filter(item => (item as { type?: string } | undefined)?.type === 'text')).toEqual([{ type: 'text', agent: 'helper', delta: 'Hel' }, { type: 'text', agent: 'helper', delta: 'lo' }])
  expect(heard.at(-1)).toEqual({ role: 'assistant', content: 'Hello', toolCalls: [], agent: 'helper' })
})

// ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────

const echo = (): Model => async ({ messages }) => words(`re: ${String((messages.findLast(({ role }) => role === 'user') as { content: string }).content)}`)

test('a session answers each ask with the outcome of its own turn, also when others wait or do not ask', async () => {
  await using world = await worldOf(basic({ model: echo() }))
  await world.actor().start()
  const asked = world.actor().ask({ type: 'user.message', content: 'one' }, { until: 'reply' })
  const told = world.actor().send({ type: 'user.message', content: 'two' })
  const askedToo = world.actor().ask({ type: 'user.message', content: 'three' }, { until: 'reply' })
  await told
  expect((await asked).reply).toMatchObject({ status: 'done', output: 're: one', usage: { modelCalls: 1 } })
  expect((await askedToo).reply).toMatchObject({ status: 'done', output: 're: three', usage: { modelCalls: 1 } })
  expect(await world.actor().snapshot()).toMatchObject({ value: 'idle', context: { usage: { modelCalls: 3 }, messages: { length: 6 } } })
})

test('messages queue while a session works, so many and no more, across a crash', async () => {
  const work = heldTool('work')
  const model = modelOf(calls(['work', {}]), words('one'), words('two'))
  await using world = await worldOf(basic({ model, tools: [work.held], limits: { queueMax: 1 } }))
  await world.actor().start()
  await world.actor().send({ type: 'user.message', content: 'one' })
  await world.settle()
  await world.actor().send({ type: 'user.message', content: 'two' })
  expect((await world.actor().ask({ type: 'user.message', content: 'three' }, { until: 'reply' })).reply).toMatchObject({ status: 'failed', reason: "agent 'helper': 1 messages wait already, the limit queueMax" })
  await world.actor().send({ type: 'user.message', content: 'four' })
  expect(await world.runtime.deadLetters.list()).toMatchObject([{ address: 'helper/1', message: { body: { event: expect.anything() } }, cause: { code: 'mailbox/full' } }])
  await world.crash()
  await world.restart()
  await world.settle()
  work.runs.at(-1)?.finish('ok')
  await world.settle()
  expect((await world.actor().snapshot()).context.messages.filter(({ role }) => role === 'assistant').map(message => (message as { content: string }).content)).toEqual(['', 'one', 'two'])
})

test('a session goes on after a turn that has failed, and ends when it is told to', async () => {
  const model = modelOf(new TroupeError('model/refused', 'overloaded'), words('better'), () => { throw new Error('unreachable') })
  await using world = await worldOf(basic({ model }))
  await world.actor().start()
  expect((await world.actor().ask({ type: 'user.message', content: 'a' }, { until: 'reply' })).reply).toMatchObject({ status: 'failed' })
  expect((await world.actor().ask({ type: 'user.message', content: 'b' }, { until: 'reply' })).reply).toMatchObject({ status: 'done', output: 'better' })
  expect((await world.actor().ask({ type: 'agent.end' }, { until: 'reply' })).reply).toMatchObject({ status: 'cancelled' })
  expect(await world.actor().result()).toMatchObject({ status: 'done', output: 'better' })
  await expect(world.actor().send({ type: 'user.message', content: 'c' })).rejects.toMatchObject({ code: 'actor/ended' })
})

test('whoever waits when a session is ended is told so', async () => {
  const work = heldTool('work')
  await using world = await worldOf(basic({ model: modelOf(calls(['work', {}])), tools: [work.held] }))
  await world.actor().start()
  const asked = world.actor().ask({ type: 'user.message', content: 'a' }, { until: 'reply' })
  const queued = world.actor().ask({ type: 'user.message', content: 'b' }, { until: 'reply' })
  await world.settle()
  await world.actor().send({ type: 'agent.end' })
  expect((await asked).reply).toMatchObject({ status: 'cancelled', usage: { modelCalls: 1 } })
  expect((await queued).reply).toMatchObject({ status: 'cancelled', usage: { modelCalls: 0 } })
  expect(await world.actor().result()).toMatchObject({ status: 'cancelled' })
})

test('events that are none are refused before they reach the agent', async () => {
  await using world = await worldOf(basic({ model: echo() }))
  await world.actor().start()
  await expect(world.actor().send({ type: 'user.message', content: 7 } as never)).rejects.toMatchObject({ code: 'event/invalid' })
  await expect(world.actor().send({ type: 'troupe.approval-expired', callId: 'c1' } as never)).rejects.toMatchObject({ code: 'event/invalid' })
})

// ── approvals ─────────────────────────────────────────────────────────────────────────────────────────────────

test('a decision counts once, from whom it may come, about what was asked; all others are refused without effect', async () => {
  let paid = 0
  const pay = tool({ name: 'pay', description: 'Pays.', input: z.object({}), needsApproval: true, approvers: ['ann'], run: () => ++paid })
  await using world = await worldOf(basic({ model: modelOf(calls(['pay', {}]), words('paid')), tools: [pay] }))
  await world.actor().start({ task: 'go' })
  await world.settle()
  await world.crash()
  await world.restart()
  const before = await world.actor().snapshot()
  expect(before).toMatchObject({ value: 'awaitingApproval', context: { revision: 1 } })
  const decide = async (decision: { callId?: string; by?: string; revision?: number; approve?: boolean }) => (await world.actor().ask({ type: 'approval.decide', callId: 'c1', approve: true, ...decision }, { until: 'reply' })).reply
  expect(await decide({ callId: 'c9', by: 'ann' })).toEqual({ accepted: false, reason: expect.stringContaining("no call 'c9' waits") })
  expect(await decide({ by: 'bob' })).toEqual({ accepted: false, reason: 'bob may not decide on pay' })
  expect(await decide({})).toEqual({ accepted: false, reason: 'somebody without a name may not decide on pay' })
  expect(await decide({ by: 'ann', revision: 0 })).toEqual({ accepted: false, reason: expect.stringContaining('revision 0') })
  expect((await world.actor().snapshot()).context).toEqual(before.context)
  const [accepted, again] = await Promise.all([decide({ by: 'ann', revision: 1 }), decide({ by: 'ann', approve: false })])
  expect(accepted).toEqual({ accepted: true })
  expect(again).toEqual({ accepted: false, reason: expect.stringContaining('was decided on') })
  expect(await world.actor().result()).toMatchObject({ status: 'done', output: 'paid' })
  expect(paid).toBe(1)
})

test('a decision after its time is refused: the call has counted as rejected, across a crash', async () => {
  const pay = tool({ name: 'pay', description: 'Pays.', input: z.object({}), needsApproval: true, run: () => 'paid' })
  const held = heldTool('work')
  const model = modelOf(calls(['pay', {}]), calls(['work', {}]))
  await using world = await worldOf(basic({ model, tools: [pay, held.held], approvals: { timeoutMs: 60_000 } }))
  await world.actor().start({ task: 'go' })
  await world.advance(30_000)
  await world.crash()
  await world.restart()
  await world.advance(30_000)
  expect((await world.actor().ask({ type: 'approval.decide', callId: 'c1', approve: true }, { until: 'reply' })).reply).toEqual({ accepted: false, reason: expect.stringContaining('has expired') })
  expect(results(model.requests[1]?.messages ?? [])).toMatchObject([{ isError: true, result: { error: expect.stringContaining('nobody has decided') } }])
})

test('a waiting user gets the outcome of the turn, not what was said to a decision', async () => {
  const pay = tool({ name: 'pay', description: 'Pays.', input: z.object({}), needsApproval: true, run: () => 'paid' })
  await using world = await worldOf(basic({ model: modelOf(calls(['pay', {}]), words('paid')), tools: [pay] }))
  await world.actor().start()
  const asked = world.actor().ask({ type: 'user.message', content: 'pay' }, { until: 'reply' })
  await world.settle()
  await world.actor().send({ type: 'approval.decide', callId: 'c1', approve: true })
  expect((await asked).reply).toMatchObject({ status: 'done', output: 'paid' })
})

// ── the circuit breaker ───────────────────────────────────────────────────────────────────────────────────────

test('a circuit breaker is asked before each call and told how it went; while it is open the work waits, or fails', async () => {
  const model = modelOf(new TroupeError('model/refused', 'no'), words('ok'))
  const breaker = { address: 'breaker/model' }
  await using world = await createTestWorld({
    machines: { helper: basic({ model, breaker }), hasty: basic({ model, breaker: { ...breaker, refused: 'fail' } }), breaker: circuitBreaker },
    store: await openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: 'NORMAL' }),
  })
  const { runtime } = world
  const ward = runtime.actor('breaker', 'model')
  await ward.start({ failuresMax: 1, openMs: 10_000 })
  const first = runtime.actor('helper', '1')
  await first.start({ task: 'go' })
  expect(await first.result()).toMatchObject({ status: 'failed', reason: 'the model: no' })
  await world.settle()
  expect((await ward.snapshot()).value).toBe('open')

  const [patient, hasty] = [runtime.actor('helper', '2'), runtime.actor('hasty', '3')]
  await patient.start({ task: 'go' })
  await hasty.start({ task: 'go' })
  expect(await hasty.result()).toMatchObject({ status: 'failed', reason: 'its circuit breaker is open', usage: { modelCalls: 0 } })
  await world.settle()
  expect((await patient.snapshot()).value).toEqual({ thinking: 'asking' })
  await world.crash()
  await world.restart()
  await world.advance(20_000)
  expect(await world.runtime.actor('helper', '2').result()).toMatchObject({ status: 'done', output: 'ok' })
  await world.settle()
  expect(await world.runtime.actor('breaker', 'model').snapshot()).toMatchObject({ value: 'closed', context: { pending: [], refusals: 2 } })
})

test('a circuit breaker that does not answer fails the work with its name', async () => {
  await using world = await worldOf(basic({ model: modelOf(words('ok')), breaker: 'helper/nobody' }))
  await world.actor().start({ task: 'go' })
  await world.advance(30_000)
  expect(await world.actor().result()).toMatchObject({ status: 'failed', reason: 'the circuit breaker helper/nobody has not answered' })
})

// ── inside other machines ─────────────────────────────────────────────────────────────────────────────────────

test('an agent works as a child in process, and survives a crash there', async () => {
  const held = heldTool('work')
  const machine = setup({ types: { context: {} as { readonly outcome: unknown } }, actors: { helper: basic({ model: modelOf(calls(['work', {}]), words('done')), tools: [held.held] }) } }).createMachine({
    context: { outcome: null },
    initial: 'asking',
    states: { asking: { invoke: { id: 'helper', src: 'helper', input: { task: 'go' }, onDone: { target: 'over', actions: assign({ outcome: ({ event }) => event.output }) } } }, over: { type: 'final' } },
    output: ({ context }) => context.outcome,
  })
  await using world = await worldOf(basic({ model: echo() }), { parent: machine })
  const parent = world.runtime.actor('parent' as 'helper', '1')
  await parent.start()
  await world.settle()
  await world.crash()
  await world.restart()
  await world.settle()
  held.runs[1]?.finish('ok')
  expect(await world.runtime.actor('parent' as 'helper', '1').result()).toMatchObject({ status: 'done', output: 'done' })
})
