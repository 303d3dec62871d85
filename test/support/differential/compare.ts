import { inspect, isDeepStrictEqual } from 'node:util'
import type { Host, HostFactory } from './host.ts'
import { PlainHost } from './plain-host.ts'
import { crashPlan } from './plan.ts'
import type { Plan } from './plan.ts'
import type { Subject } from './subject.ts'

/**
 * Runs a plan under plain XState and under a host that crashes, and compares state, tags and emitted events after every
 * step. Throws at the first difference.
 */
export async function compare(subject: Subject, plan: Plan, createHost: HostFactory): Promise<void> {
  const crashHere = crashPlan(plan)
  const plain = new PlainHost(subject)
  const host = createHost(subject, crashHere)
  try {
    await Promise.all([plain.start(), host.start()])
    await same(plain, host, 'start')
    for (const [index, step] of plan.steps.entries()) {
      const where = `step ${index + 1}`
      if (crashHere() > 0) {
        await host.crash()
        await same(plain, host, `the crash before ${where}`)
      }
      await Promise.all([plain, host].map(each => ('events' in step ? each.send(step.events) : each.advance(step.advance))))
      await same(plain, host, where)
    }
    if (crashHere() > 0) {
      await host.crash()
      await same(plain, host, 'the last crash')
    }
  } finally {
    await plain.close()
    await host.close()
  }
}

async function same(plain: Host, host: Host, where: string): Promise<void> {
  const expected = { ...(await plain.state()), emitted: await plain.emitted }
  const actual = { ...(await host.state()), emitted: JSON.parse(JSON.stringify(await host.emitted)) as unknown }
  if (isDeepStrictEqual(expected, actual)) return
  const show = (value: unknown): string => inspect(value, { depth: 20, sorted: true, breakLength: 160, maxArrayLength: 200 })
  throw new Error(`differs after ${where}\nplain XState: ${show(expected)}\nhost: ${show(actual)}`)
}
