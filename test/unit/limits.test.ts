import { describe, expect, test } from 'vitest'
import { defaultLimits, pageSize, resolveLimits } from '../../src/core/limits.ts'
import type { Limits } from '../../src/core/limits.ts'

describe('limits', () => {
  test('are the defaults, but for those that are said', () => {
    expect(resolveLimits()).toEqual(defaultLimits)
    expect(resolveLimits({ tasksMax: 3 })).toEqual({ ...defaultLimits, tasksMax: 3 })
    expect(resolveLimits({ tasksMax: 3 }, { ...defaultLimits, mailboxDepthMax: 7 })).toEqual({ ...defaultLimits, mailboxDepthMax: 7, tasksMax: 3 })
    expect(resolveLimits({ activeActorsMax: Infinity }).activeActorsMax).toBe(Infinity)
  })

  test('carry their unit or kind in the name', () => {
    for (const name of Object.keys(defaultLimits)) expect(name).toMatch(/(Max|Ms)$/)
  })

  test.each<[string, unknown]>([['tasks', 1], ['', 1], ['toString', 1], ['__proto__x', 1], ['tasksMax', 0], ['tasksMax', -1], ['tasksMax', Number.NaN], ['tasksMax', '3'], ['tasksMax', null], ['tasksMax', undefined], ['tasksMax', 1n]])('refuse %s: %s, and name it', (name, value) => {
    expect(() => resolveLimits({ [name]: value } as Partial<Limits>)).toThrow(expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(`limits.${name}`) }))
  })
})

describe('a page', () => {
  test('has a hundred entries unless told, and a thousand at most', () => {
    expect([pageSize(), pageSize(1), pageSize(1_000), pageSize(1_001), pageSize(Infinity)]).toEqual([100, 1, 1_000, 1_000, 1_000])
  })

  test.each([0, -1, 0.5, Number.NaN, -Infinity])('of %s entries is refused', (limit) => {
    expect(() => pageSize(limit)).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  })
})
