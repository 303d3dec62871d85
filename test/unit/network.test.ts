import { expect, test } from 'vitest'
import { network } from '../../patterns/index.ts'
import type { Move, NetworkOptions, NetworkTask } from '../../patterns/index.ts'
import { begin, doing, outcomeOf, silent } from '../support/pattern-members.ts'

const reader = (read: (letter: NetworkTask) => unknown) => doing(read)
const writes = (...send: readonly [to: string, content: unknown][]): Move => ({ send: send.map(([to, content]) => ({ to, content })) })
const run = (members: NetworkOptions['members'], options: Partial<NetworkOptions> = {}) => outcomeOf(network({ name: 'net', start: 'a', members, ...options }), 'the task')

test('members write each other until one gives the answer', async () => {
  const a = reader(({ from, content }) => (from === 'network' ? writes(['b', 'what is it?']) : { answer: `it is ${String(content)}` }))
  const b = reader(({ from, content, task }) => writes([from, [content, task]]))
  const result = await run({ a, b })
  expect(result).toMatchObject({ status: 'done', output: 'it is what is it?,the task' })
  expect(result.members.map(({ member }) => member)).toEqual(['a', 'b', 'a'])
})

test('a member is shown what it has written and got before', async () => {
  const threads: NetworkTask['thread'][] = []
  const a = reader(({ thread, hops }) => {
    threads.push(thread)
    return hops < 4 ? writes(['b', hops]) : { answer: 'enough' }
  })
  await run({ a, b: reader(({ content }) => writes(['a', content])) }, { threadMax: 2 })
  expect(threads).toEqual([[], [{ from: 'network', to: 'a', content: 'the task' }, { from: 'a', to: 'b', content: 0 }], [{ from: 'b', to: 'a', content: 0 }, { from: 'a', to: 'b', content: 2 }]])
})

test('letters that may not be are refused, and who wrote them is told', async () => {
  const a = reader(({ from, content, mayWrite }) => (content === 'the task' ? writes(['c', 1], ['nobody', 2], ['b', 3]) : from === 'network' ? { answer: [content, mayWrite] } : {}))
  const result = await run({ a, b: reader(() => ({})), c: reader(() => ({})) }, { allow: { a: ['b'] } })
  expect(result.output).toEqual(["Not delivered: a may not write c; there is no member 'nobody'. You may write b.", ['b']])
  expect(result.members.map(({ member }) => member)).not.toContain('c')
})

test.each<[string, Partial<NetworkOptions>, RegExp]>([
  ['insists on what is refused', { allow: { a: [] }, refusalsMax: 3 }, /4 letters could not be delivered, the limit refusalsMax is 3/],
  ['writes in circles', { hopsMax: 6 }, /a letter to '.' is 7 hops from the task, the limit hopsMax is 6/],
  ['writes and writes', { lettersMax: 5 }, /6 letters, the limit lettersMax is 5/],
])('a member who %s ends the whole at a limit', async (_, options, reason) => {
  const a = reader(() => writes(['b', 1]))
  const result = await run({ a, b: reader(() => writes(['a', 1])) }, options)
  expect(result.status).toBe('failed')
  expect(result.reason).toMatch(reason)
})

test('when nobody has anything to say any more, the whole has failed', async () => {
  expect(await run({ a: reader(() => writes(['b', 1])), b: reader(() => ({})) })).toMatchObject({ status: 'failed', reason: 'nobody has anything to say any more, and nobody has given an answer' })
})

test('who writes one that fails is told, or the whole has failed', async () => {
  const a = reader(({ from, content, hops }) => (from === 'network' && hops > 0 ? { answer: content } : writes(['b', 1])))
  const b = reader(() => {
    throw new Error('broken')
  })
  expect(await run({ a, b })).toMatchObject({ status: 'done', output: "Your letter came to nothing: 'b' is failed: broken." })
  expect(await run({ a, b }, { onFailure: 'fail' })).toMatchObject({ status: 'failed', reason: "'b' is failed: broken" })
  expect(await run({ a: b, b: a })).toMatchObject({ status: 'failed', reason: "'a' is failed: broken" })
  expect(await run({ a: reader(() => ({ send: 'all' })), b: a })).toMatchObject({ status: 'failed', reason: expect.stringContaining('its output is not valid: send') as string })
})

test('the answer calls off who is still at work, and so does a cancellation', async () => {
  const a = reader(({ from }) => (from === 'network' ? writes(['b', 1], ['c', 1]) : { answer: 'it' }))
  const members = { a, b: reader(() => writes(['a', 1])), c: silent }
  expect((await run(members)).members.map(({ member, status }) => `${member} ${status}`)).toEqual(['a done', 'b done', 'c cancelled', 'a done'])
  const { actor, ended } = begin(network({ name: 'net', start: 'c', members }))
  actor.send({ type: 'CANCEL' })
  expect(await ended).toMatchObject({ status: 'cancelled', members: [{ member: 'c', status: 'cancelled' }] })
})

test('strangers in options are refused', () => {
  const members = { a: silent }
  expect(() => network({ name: 'net', start: 'z', members })).toThrow(/there is no member 'z'; the members are a/)
  expect(() => network({ name: 'net', start: 'a', members, allow: { a: ['q'] } })).toThrow(/there is no member 'q'/)
})
