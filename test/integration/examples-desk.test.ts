/** The support desk as a user runs it: lines on stdin, a session that outlives its process. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startExample } from '../support/example.ts'
import type { Ended } from '../support/example.ts'
import { calls, chatServer, ends, says, stream } from '../support/models/chat-server.ts'
import { waitUntil } from '../support/processes.ts'

let cwd = ''
beforeEach(() => void (cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-desk-')))))
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cwd, { recursive: true, force: true })
})

const start = (...args: readonly string[]) => startExample(cwd, '04-support-desk', ...args)
const talk = (lines: readonly string[], ...args: readonly string[]): Promise<Ended> => {
  const desk = start(...args)
  desk.type(lines.map(line => `${line}\n`).join(''))
  desk.endInput()
  return desk.end
}
const BOOK = 'data/support-desk/book.jsonl'
const book = (): readonly { readonly deed: string; readonly order: string }[] => (existsSync(join(cwd, BOOK)) ? readFileSync(join(cwd, BOOK), 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as { deed: string; order: string }) : [])
const deeds = (): readonly string[] => book().map(({ deed, order }) => `${deed} ${order}`)

const STORY = ['Where are my parcels?', 'My router 1002 loses its connection', 'That did not help', 'Then I want my money back for 1002', 'yes, it is our fault', 'Refund 1001 too', 'no, it was never sent back', 'Thank you']

describe('the support desk', () => {
  test('passes a customer from triage to tech to billing, and pays back what a person has agreed to', async () => {
    const { code, out, error } = await talk(STORY)
    expect(error).toBe('')
    expect(code).toBe(0)
    const said = ['Order 1003, Headphones Calm: on its way', 'triage   → tech: ', 'Choose channel 36', 'Ticket T-1 is open', 'tech     → billing: ', 'Done: 129.00 EUR for order 1002', 'rejected by clerk: it was never sent back', 'You are welcome']
    expect(said.map(text => out.indexOf(text))).toEqual(said.map(text => out.indexOf(text)).toSorted((a, b) => a - b))
    for (const text of said) expect(out).toContain(text)
    expect(deeds()).toEqual(['ticket 1002', 'refund 1002'])
    // eslint-disable-next-line no-control-regex -- escape codes are what must not be there
    expect(out).not.toMatch(/[\u001b\r]/)
  })

  test('killed while it waits for a yes, it asks again and ends as if nothing had been', async () => {
    const asks = 'clerk    refund order "1002"'
    const first = start()
    first.type(STORY.slice(0, 4).map(line => `${line}\n`).join(''))
    await waitUntil('the refund waits for a person', () => first.said().includes(asks), 60_000)
    first.kill('SIGKILL')
    expect((await first.end).signal).toBe('SIGKILL')
    expect(deeds()).toEqual(['ticket 1002'])

    const { code, out } = await talk(STORY.slice(4))
    expect(code).toBe(0)
    // The conversation so far, each message once, and then the question again.
    for (const words of STORY.slice(0, 4)) expect(out.split(`ann      ${words}\n`), words).toHaveLength(2)
    expect(out.split(asks)).toHaveLength(2)
    expect(out).toContain('Done: 129.00 EUR for order 1002')
    expect(deeds()).toEqual(['ticket 1002', 'refund 1002'])
  })

  test('killed in the middle of a handoff, it goes on by itself', async () => {
    const first = start()
    first.type('I want my money back for 1001\n')
    await waitUntil('control passes on', () => first.said().includes('→ billing'), 60_000)
    first.kill('SIGKILL')
    await first.end
    const { code, out } = await talk(['yes'])
    expect(code).toBe(0)
    expect(out).toContain('Done: 49.00 EUR for order 1001')
    expect(deeds()).toEqual(['refund 1001'])
  })

  test('a refund that nobody decides on waits, and customers have desks and orders of their own', async () => {
    const { code, out } = await talk(['Refund 1004'], '--customer', 'ben')
    expect(code).toBe(0)
    expect(out.endsWith('Nobody has decided. Start again to do so: the desk waits.\n')).toBe(true)
    expect((await talk(['Refund 1004'])).out).toContain('the customer has no order 1004')
    expect((await talk(['maybe', 'y'], '--customer', 'ben')).out).toContain('yes or no, please')
    expect(deeds()).toEqual(['refund 1004'])
  })

  test('asks the model that the environment names, and says what is missing', async () => {
    await using server = await chatServer(stream([calls(0, { id: '1', name: 'list_orders', arguments: '{}' }), ends('tool_calls')]), stream([says('You have three.'), ends('stop')]))
    vi.stubEnv('TROUPE_MODEL', 'tiny')
    expect(await talk(['hello'])).toMatchObject({ code: 2, error: expect.stringContaining('needs both TROUPE_MODEL_URL and TROUPE_MODEL') })
    vi.stubEnv('TROUPE_MODEL_URL', server.baseURL)
    vi.stubEnv('TROUPE_API_KEY', 'secret')
    const { code, out } = await talk(['How many orders have I made?'])
    expect(code).toBe(0)
    expect(out).toContain('triage   · list_orders\ntriage   You have three.\n')
    expect(server.requests.map(({ body: { model }, headers: { authorization } }) => [model, authorization])).toEqual([['tiny', 'Bearer secret'], ['tiny', 'Bearer secret']])
    expect(JSON.stringify(server.requests[1]?.body.messages)).toContain('Headphones Calm')
  })

  test.each([
    [['--customer', 'eve'], "there is no customer 'eve'"],
    [['--nope'], "Unknown option '--nope'"],
    [['now'], "Unexpected argument 'now'"],
  ])('%j is refused', async (args, message) => {
    const { code, out, error } = await talk([], ...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(error).toContain(message)
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })
})
