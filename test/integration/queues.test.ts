import { describe, expect, test } from 'vitest'
import { createRuntime, task } from 'troupe'
import { createWorker } from 'troupe/worker'
import { fromPromise } from 'xstate'
import { JobRig, ended, quiet, run, served } from '../support/job-rig.ts'
import { waitUntil } from '../support/processes.ts'
import { jobOf, machines } from '../support/queue-machines.ts'
import { WorkerPeer } from '../support/worker-peer.ts'

const rig = new JobRig()

describe('a worker in a process of its own', () => {
  test('runs the tasks of actors that live elsewhere, and their outputs and errors come back as they are', async () => {
    await using runtime = await rig.open()
    const before = runtime.actor('job', 'early')
    await before.start({ do: 'echo', value: 'early' })
    await using worker = await WorkerPeer.start(rig.store, served())
    expect((await ended(runtime, 'early')).context.results).toEqual(['early'])
    const big = 'x'.repeat(900_000)
    const values = [undefined, null, 0, { deep: [{ list: [1, 'two', null] }] }, new Float32Array([1, 2.5]), new TypeError('kept'), big]
    const seen = await Promise.all(values.map(value => run(runtime, { do: 'echo', ...(value !== undefined && { value }) })))
    expect(seen.map(({ context }) => context.results[0])).toEqual([null, null, 0, { deep: [{ list: [1, 'two', null] }] }, new Float32Array([1, 2.5]), expect.objectContaining({ name: 'TypeError', message: 'kept' }), big])
    expect(rig.here).toEqual([])
    expect(worker.tasks.filter(({ fact }) => fact === 'over')).toHaveLength(8)
    await waitUntil('the queue has forgotten what was handled', async () => (await rig.redis.command('HLEN', rig.keyOf('index'))) === 0)
  })

  test('reports failures: the owner backs off and counts, and the last one is the error', async () => {
    await using runtime = await rig.open()
    await using worker = await WorkerPeer.start(rig.store, served())
    expect((await run(runtime, { do: 'fail', times: 2 })).context).toMatchObject({ results: ['done in attempt 3'], error: null })
    expect((await run(runtime, { do: 'fail', times: 9 })).context).toMatchObject({ results: [], error: { name: 'TypeError', message: 'failed in attempt 3' } })
    const attempts = worker.tasks.map(({ attempt }) => attempt)
    expect(attempts).toEqual([1, 2, 3, 3, 1, 2, 3])
    const keys = worker.tasks.map(({ key }) => key)
    expect(new Set(keys)).toHaveProperty('size', 2)
    expect(runtime.health().counters.taskRetries).toBe(4)
  })

  test('aborts what takes too long or falls silent, and the error says which', async () => {
    await using runtime = await rig.open()
    await using worker = await WorkerPeer.start(rig.store, served())
    const [late, mute] = await Promise.all([run(runtime, { do: 'hang' }, 'timed'), run(runtime, { do: 'hang' }, 'silent')])
    expect([late.context.error, mute.context.error]).toMatchObject([{ code: 'task/timeout' }, { code: 'task/stalled' }])
    const reasons = worker.tasks.filter(({ fact }) => fact === 'aborted').map(({ reason }) => reason)
    expect(['task/stalled', 'task/timeout'].map(code => reasons.filter(reason => reason === code).length)).toEqual([3, 3])
  })

  test('hands details of heartbeats to the next attempt', async () => {
    await using runtime = await rig.open()
    await using worker = await WorkerPeer.start(rig.store, served())
    await runtime.actor('job', '1').start({ do: 'beat', page: 10, fails: true })
    await waitUntil('the second attempt runs', () => worker.tasks.length === 2)
    expect(worker.tasks.map(({ attempt, checkpoint }) => [attempt, checkpoint])).toEqual([[1, undefined], [2, { page: 11 }]])
  })

  test('that dies leaves the details of its heartbeats to the next one', async () => {
    await using runtime = await rig.open()
    await using first = await WorkerPeer.start(rig.store, served())
    await runtime.actor('job', '1').start({ do: 'beat', page: 20 })
    await waitUntil('the details are kept', async () => (await rig.redis.command('HLEN', rig.keyOf('details'))) === 1)
    await first.kill()
    await using second = await WorkerPeer.start(rig.store, served())
    await waitUntil('the next one runs it', () => second.tasks.length === 1)
    expect(second.tasks).toEqual([{ ...first.tasks[0], checkpoint: { page: 21 } }])
  })

  test('is told when nobody wants a task any more: the actor leaves its state, is stopped or cancelled', async () => {
    await using runtime = await rig.open()
    await using worker = await WorkerPeer.start(rig.store, served())
    const keys = ['leaves', 'stops', 'cancels']
    for (const key of keys) await runtime.actor('job', key).start({ do: 'hang' })
    await waitUntil('all run', () => worker.tasks.length === 3)
    const [leaves, stops, cancels] = keys.map(key => runtime.actor('job', key))
    await leaves?.send({ type: 'LEAVE' })
    await stops?.stop()
    await cancels?.cancel()
    await waitUntil('all are aborted', () => worker.tasks.length === 6)
    expect(worker.tasks.slice(3).map(({ fact, reason }) => [fact, reason])).toEqual(Array(3).fill(['aborted', 'lease/stale']))
    expect(await runtime.queues()).toMatchObject([{ queue: 'default' }, { queue: 'gpu', active: 0, waiting: { high: 0, medium: 0, low: 0 } }])
  })

  test('tells watchers of progress', async () => {
    await using runtime = await rig.open()
    const actor = runtime.actor('job', '1')
    const steps = ['first', { done: 0.5 }, new Uint8Array([1, 2])]
    await actor.start({ do: 'progress', steps })
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const entry of actor.watch({ from: 0, progress: true })) {
        if (entry.kind === 'progress') seen.push(entry)
        if (seen.length === steps.length) break
      }
    })()
    await using _worker = await WorkerPeer.start(rig.store, served())
    await watching
    expect(seen).toEqual(steps.map(progress => ({ kind: 'progress', actor: 'default/job/1', task: '1', attempt: 1, progress })))
  })

  test('that closes gives back at once what it runs, and another one goes on without a counted crash', async () => {
    await using runtime = await rig.open()
    // Nobody waits for its silence.
    await using first = await WorkerPeer.start(rig.store, served({ minIdleMs: 60_000, deliveriesMax: 1 }))
    await runtime.actor('job', '1').start({ do: 'beat', page: 1 })
    await waitUntil('it runs', () => first.tasks.length === 1)
    await using second = await WorkerPeer.start(rig.store, served({ minIdleMs: 60_000, deliveriesMax: 1 }))
    const from = performance.now()
    await first.close()
    await waitUntil('the other one runs it', () => second.tasks.length === 1)
    expect(performance.now() - from).toBeLessThan(1_000)
    expect(first.tasks[1]).toMatchObject({ fact: 'aborted', reason: 'runtime/closed' })
    expect(second.tasks).toEqual([{ ...first.tasks[0], checkpoint: { page: 2 } }])
    expect((await runtime.queues()).find(({ queue }) => queue === 'gpu')).toMatchObject({ active: 1, workers: [{ worker: second.name, active: 1 }] })
  })
})

describe('owners', () => {
  test('that come and go leave tasks alone: each runs once, and the owner of then hears of it', async () => {
    await using _worker = await createWorker({ store: rig.store, machines, queues: { gpu: { concurrency: 100 } }, onError: quiet })
    const keys = Array.from({ length: 24 }, (_, n) => String(n))
    const first = await rig.open()
    for (const key of keys) await first.actor('job', key).start({ do: 'sleep', ms: 1_500 })
    await waitUntil('all run', () => rig.here.length === keys.length)
    const second = await rig.open()
    await waitUntil('they know each other', async () => (await first.cluster()).nodes.length === 2)
    await first.close()
    const worked = await Promise.all(keys.map(key => ended(second, key)))
    expect(worked.map(({ context }) => context.results)).toEqual(keys.map(() => ['attempt 1']))
    expect(rig.here.filter(({ fact }) => fact === 'began')).toHaveLength(keys.length)
    await second.close()
  })

  test('keep what ends while an actor is paused until it goes on', async () => {
    await using runtime = await rig.open()
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'echo', value: 'kept' })
    await actor.pause()
    await using _worker = await createWorker({ store: rig.store, machines, queues: { gpu: {} }, onError: quiet })
    await waitUntil('it has run, and that is settled', async () => rig.here.length === 2 && (await runtime.queues()).some(({ ended: all }) => all?.completed === 1))
    expect(await actor.snapshot()).toMatchObject({ status: 'paused', value: 'working' })
    await actor.resume()
    expect((await ended(runtime, '1')).context.results).toEqual(['kept'])
  })
})

describe('who runs what', () => {
  test('a runtime that names the queue runs its tasks, for itself and for others', async () => {
    await using other = await rig.open()
    await using runtime = await rig.open({ queues: served() })
    for (let n = 0; n < 8; n++) expect((await run(n % 2 ? runtime : other, { do: 'echo', value: n })).context.results).toEqual([n])
    expect(rig.here.filter(({ fact }) => fact === 'over')).toHaveLength(8)
  })

  test('tasks without a queue run in the owner, other queues wait for whoever serves them', async () => {
    const local = { plain: jobOf({ queue: 'default' }), promised: machines.job.provide({ actors: { work: fromPromise(async () => 'promised') as never } }) }
    await using runtime = await createRuntime({ machines: { ...machines, ...local }, store: rig.store, onError: quiet })
    await runtime.actor('own', '1').start({ do: 'echo', value: 'later' })
    await runtime.actor('plain', '1').start({ do: 'echo', value: 'here' })
    await runtime.actor('promised', '1').start({ do: 'echo' })
    expect((await runtime.actor('plain', '1').waitFor(({ value }) => value !== 'working')).context.results).toEqual(['here'])
    expect((await runtime.actor('promised', '1').waitFor(({ value }) => value !== 'working')).context.results).toEqual(['promised'])
    await waitUntil('the other one waits', async () => (await runtime.queues()).some(({ queue, waiting }) => queue === 'own' && waiting.medium === 1))
    await using _worker = await createWorker({ store: rig.store, machines, queues: { own: {} }, onError: quiet })
    expect((await runtime.actor('own', '1').waitFor(({ value }) => value !== 'working')).context.results).toEqual(['later'])
  })

  test('a worker needs the task only, under its full name; what it does not know is an error that says so', async () => {
    await using runtime = await rig.open()
    const known = task({ run: () => 'known', queue: 'gpu' })
    await using worker = await createWorker({ store: rig.store, tasks: { 'job/work': known }, queues: served(), onError: quiet })
    expect((await run(runtime, { do: 'echo' })).context.results).toEqual(['known'])
    expect((await run(runtime, { do: 'echo' }, 'urgent')).context.error).toMatchObject({ code: 'task/unknown', message: expect.stringMatching(new RegExp(`worker ${worker.name} of queue gpu does not know urgent/work, a task of urgent/.*; it knows job/work`)) })
  })

  test('limits hold over all workers, and the next one starts at once when a place is free', async () => {
    await using runtime = await rig.open()
    const queues = { gpu: { total: 1, concurrency: 4 } }
    await using _first = await createWorker({ store: rig.store, machines, queues, onError: quiet })
    await using _second = await createWorker({ store: rig.store, machines, queues, onError: quiet })
    const from = performance.now()
    await Promise.all(Array.from({ length: 30 }, () => run(runtime, { do: 'sleep', ms: 2 })))
    expect(performance.now() - from).toBeLessThan(5_000)
    let active = 0
    for (const { fact } of rig.here) expect((active += fact === 'began' ? 1 : -1)).toBeLessThanOrEqual(1)
    expect(rig.here).toHaveLength(60)
  })

  test('no more than limits.tasksMax run in a worker without a bound of its own', async () => {
    await using runtime = await rig.open()
    await using worker = await createWorker({ store: rig.store, machines, queues: { gpu: { concurrency: Infinity } }, limits: { tasksMax: 3 }, onError: quiet })
    for (let n = 0; n < 5; n++) await runtime.actor('job', String(n)).start({ do: 'hang' })
    await waitUntil('three run', () => worker.running === 3)
    expect((await runtime.queues()).find(({ queue }) => queue === 'gpu')).toMatchObject({ active: 3, waiting: { medium: 2 } })
  })
})
