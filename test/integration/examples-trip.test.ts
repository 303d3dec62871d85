/** The trip as a user runs it: booked as a whole, or undone, whoever is killed meanwhile. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { killWhen, startExample } from '../support/example.ts'
import type { Ended } from '../support/example.ts'

let cwd = ''
beforeEach(() => void (cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-trip-')))))
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const start = (...args: readonly string[]) => startExample(cwd, '08-trip-saga', ...args)
const run = (...args: readonly string[]): Promise<Ended> => start(...args).end
const BOOK = 'data/trip-saga/book.jsonl'
/** What was really done, in order. */
const deeds = (): readonly string[] => (existsSync(join(cwd, BOOK)) ? readFileSync(join(cwd, BOOK), 'utf8').trimEnd().split('\n').map(line => (JSON.parse(line) as { deed: string }).deed) : [])
/** What was told of each part: `hotel cancelled`. */
const told = ({ out }: Ended): readonly string[] => [...out.matchAll(/^ {2}(\w+) +(\w+)/gm)].map(([, part, what]) => `${part} ${what}`)

const UNDONE = ['flight booked', 'hotel booked', 'car failed', 'hotel cancelled', 'flight cancelled']

describe('the trip', () => {
  test('is booked', async () => {
    const ended = await run('--to', 'oslo', '--nights', '2')
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(told(ended)).toEqual(['flight booked', 'hotel booked', 'car booked'])
    expect(ended.out).toContain('The trip is booked: 583.00 EUR.\n')
    expect(deeds()).toEqual(['book flight', 'book hotel', 'book car'])
  })

  test('is undone in reverse when there is no car', async () => {
    const ended = await run('--fail', 'car')
    expect(ended).toMatchObject({ code: 1, error: '' })
    expect(told(ended)).toEqual(UNDONE)
    expect(deeds()).toEqual(['book flight', 'book hotel', 'cancel hotel', 'cancel flight'])
  })

  test('is held while the hotel cannot be cancelled, and goes on when its dead letter is replayed', async () => {
    const held = await run('--fail', 'car', '--stuck', 'hotel')
    expect(held).toMatchObject({ code: 3, error: '' })
    expect(told(held)).toEqual(['flight booked', 'hotel booked', 'car failed', 'hotel held'])
    expect(held.out).toMatch(/Dead letter \S+: the hotel does not answer\./)
    // It stands still, whoever looks at it.
    expect(await run()).toMatchObject({ code: 3 })
    expect(await run('--resume', '--stuck', 'hotel')).toMatchObject({ code: 3 })
    expect(deeds()).toEqual(['book flight', 'book hotel'])

    const mended = await run('--resume')
    expect(mended).toMatchObject({ code: 1, error: '' })
    expect(told(mended)).toEqual([...UNDONE.slice(0, 3), 'hotel held', 'hotel held', ...UNDONE.slice(3)])
    expect(deeds()).toEqual(['book flight', 'book hotel', 'cancel hotel', 'cancel flight'])
  })

  test('killed at every part, it comes to the same end and does nothing twice', async () => {
    const args = ['--fail', 'car', '--pace', '150'] as const
    for (const done of [0, 1, 2, 3]) {
      const trip = start(...args)
      const { signal } = await killWhen(trip, 'SIGKILL', () => trip.said().includes('trip/') && deeds().length >= done)
      expect(signal, `after ${done}`).toBe('SIGKILL')
    }
    const ended = await run(...args)
    expect(ended).toMatchObject({ code: 1, error: '' })
    expect(ended.out).toContain(', begun before\n')
    expect(told(ended)).toEqual(UNDONE)
    expect(deeds()).toEqual(['book flight', 'book hotel', 'cancel hotel', 'cancel flight'])
  })

  test.each([
    [['--to', 'mars'], '--to takes Lisbon, Oslo, Naples'],
    [['--nights', '0'], '--nights takes a whole number from 1 to 30'],
    [['--fail', 'train'], '--fail takes flight, hotel, car'],
    [['--nope'], "Unknown option '--nope'"],
    [['--resume'], 'there is no trip to go on with'],
  ])('%j is refused', async (args, message) => {
    expect(await run(...args)).toMatchObject({ code: 2, out: '', error: expect.stringContaining(`trip-saga: ${message}`) })
    expect(deeds()).toEqual([])
  })
})
