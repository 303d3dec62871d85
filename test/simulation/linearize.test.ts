import { expect, test } from 'vitest'
import { isLinearizable } from './linearize.ts'
import type { RegisterOperation } from './linearize.ts'

let operations = 0
const write = (value: string, from: number, to = Infinity): RegisterOperation => ({ op: `o${++operations}`, kind: 'write', value, result: undefined, from, to })
const read = (result: string | null, from: number, to: number): RegisterOperation => ({ op: `o${++operations}`, kind: 'read', value: null, result, from, to })
const swap = (value: string, result: string | null, from: number, to: number): RegisterOperation => ({ op: `o${++operations}`, kind: 'swap', value, result, from, to })

test('operations that overlap may come in either order', () => {
  expect(isLinearizable([write('a', 0, 10), write('b', 5, 15), read('a', 16, 20)], null)).toBe(true)
  expect(isLinearizable([write('a', 0, 10), write('b', 5, 15), read('b', 16, 20)], null)).toBe(true)
})

test('a read that gives what was overwritten before it began has no explanation', () => {
  expect(isLinearizable([write('a', 0, 10), write('b', 11, 15), read('a', 16, 20)], null)).toBe(false)
})

test('two reads one after the other do not see a value and then the one before it', () => {
  expect(isLinearizable([write('a', 0, 1), write('b', 2, 30), read('b', 3, 5), read('a', 6, 8)], null)).toBe(false)
})

test('what was never answered may have taken effect late, or never', () => {
  expect(isLinearizable([write('a', 0), read(null, 5, 6), read('a', 50, 60)], null)).toBe(true)
  expect(isLinearizable([write('a', 0), read(null, 5, 6)], null)).toBe(true)
})

test('each swap finds what the one before has left, once', () => {
  expect(isLinearizable([swap('a', null, 0, 10), swap('b', 'a', 0, 10), read('b', 11, 12)], null)).toBe(true)
  expect(isLinearizable([swap('a', null, 0, 10), swap('b', null, 0, 10)], null)).toBe(false)
})

test('sixty operations at once are searched in time', () => {
  const many = Array.from({ length: 30 }, (_, index) => [write(`v${index}`, index, index + 12), read(`v${index}`, index + 1, index + 13)]).flat()
  expect(isLinearizable(many, null)).toBe(true)
})
