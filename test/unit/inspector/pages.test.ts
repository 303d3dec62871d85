import { describe, expect, it } from 'vitest'
import { heatOf } from '../../../src/inspector/ui/pages/fleet/heat.ts'
import { parseEvent } from '../../../src/inspector/ui/pages/letters/edited-event.ts'
import { SAMPLES_MAX, gaugesOf, ratesOf, withSample } from '../../../src/inspector/ui/pages/system/samples.ts'
import type { Sample } from '../../../src/inspector/ui/pages/system/samples.ts'

const sample = (at: number, steps: number, more: Partial<Sample> = {}): Sample => ({ at, node: 'n1', counters: { steps }, gauges: { lagMs: 1, memory: 2, store: null, tasks: 0 }, ...more })

describe('rates', () => {
  it('are counts per second between samples', () => {
    expect(ratesOf([sample(1_000, 10), sample(2_000, 30), sample(4_000, 30)], ['steps', 'unheard'])).toEqual([[2, 4], [20, 0], [0, 0]])
  })

  it('have a gap where a counter began anew or another node answered', () => {
    expect(ratesOf([sample(1_000, 10), sample(2_000, 3), sample(3_000, 9, { node: 'n2' }), sample(4_000, 10, { node: 'n2' })], ['steps'])[1]).toEqual([null, null, 1])
  })

  it('keep a bounded window, however long the page is open', () => {
    let samples: readonly Sample[] = []
    for (let at = 0; at < 2 * SAMPLES_MAX; at++) samples = withSample(samples, sample(at, at))
    expect([samples.length, samples[0]?.at, samples.at(-1)?.at]).toEqual([SAMPLES_MAX, SAMPLES_MAX, 2 * SAMPLES_MAX - 1])
    expect(withSample(samples, sample(5, 5))).toBe(samples)
  })

  it('show gauges as they were', () => expect(gaugesOf([sample(1_000, 1)], ['memory', 'store'])).toEqual([[1], [2], [null]]))
})

describe('heat', () => {
  const state = (path: string, instances: number, errors = 0, dwellP95Ms: number | null = null) => ({ path, instances, visits: 100, dwellP50Ms: null, dwellP95Ms, errors })
  const states = [state('idle', 10_000, 0, 60_000), state('busy', 90, 2, 800), state('lost', 1, 1), state('never', 0)]
  const traffic = [{ id: 'go', count: 40, errors: 10 }]

  it('tells a few actors from many and from none', () => {
    const heat = heatOf(states, traffic, 'instances')
    expect([...heat.states.values()].map(({ level }) => level)).toEqual([5, 3, 1, 0])
    expect([heat.states.get('busy')?.text, heat.states.get('idle')?.text, heat.states.get('never')?.text]).toEqual(['90', '10,000', ''])
    expect(heat.transitions.get('go')).toEqual({ level: 5, text: '×40' })
  })

  it('gives each value the level whose begin in the legend it has reached', () => {
    expect(heatOf(states, traffic, 'instances').legend.map(({ text }) => text)).toEqual(['≥ 1', '≥ 6', '≥ 39', '≥ 251', '≥ 1,585'])
    for (const [instances, level] of [[5, 1], [6, 2], [39, 3], [1_585, 5]] as const) {
      expect(heatOf([state('all', 10_000), state('it', instances)], [], 'instances').states.get('it')?.level, `${instances} actors`).toBe(level)
    }
  })

  it('shows errors as shares, with what they are shares of', () => {
    const heat = heatOf(states, traffic, 'errors')
    expect([heat.states.get('busy'), heat.states.get('idle')]).toEqual([{ level: 1, text: '2.0 %' }, { level: 0, text: '' }])
    expect(heat.transitions.get('go')).toEqual({ level: 5, text: '25 %' })
    expect(heat.legend[4]?.text).toBe('> 20 %')
  })

  it('leaves out levels that no number can have', () => {
    expect(heatOf([state('few', 3)], [], 'instances').legend.map(({ text }) => text)).toEqual(['≥ 1', '≥ 2', '≥ 3'])
  })

  it('has no scale where there is nothing to tell apart', () => expect(heatOf([state('idle', 0)], [], 'dwell').legend).toEqual([]))
})

it.each([
  ['{"type":"PAY","cents":1}', null], ['{', /^This is not JSON/], ['[]', /an object/i], ['{"cents":1}', /needs a "type"/], ['{"type":""}', /needs a "type"/], ['{"type":"xstate.done"}', /"xstate\."/],
])('reads the event %s', (text, problem) => {
  const edited = parseEvent(text)
  if (problem) expect(edited.problem).toMatch(problem)
  else expect(edited).toEqual({ event: { type: 'PAY', cents: 1 }, problem: null })
})
