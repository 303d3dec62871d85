/** What the review crew does beside reviewing files: it asks a person, groups what looks alike, and works on a real model. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { personAt } from '../../examples/01-review-crew/ask-person.ts'
import type { Question } from '../../examples/01-review-crew/coordinator.ts'
import { killWhen, plantMany, startExample, writeFiles } from '../support/example.ts'
import type { Ended } from '../support/example.ts'
import { calls, chatServer, ends, says, stream, used } from '../support/models/chat-server.ts'
import type { ChatServer } from '../support/models/chat-server.ts'

let cwd = ''
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-crew-')))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cwd, { recursive: true, force: true })
})

const review = (...args: readonly string[]): Promise<Ended> => startExample(cwd, '01-review-crew', 'code', ...args).end
const read = (path: string): string => (existsSync(join(cwd, path)) ? readFileSync(join(cwd, path), 'utf8') : '')

describe('before the report is written', () => {
  test('without a terminal it says what it waits for, and a later start with --yes writes the same report without any work', async () => {
    plantMany(cwd, 12)
    await review('--yes', '--store', 'memory:', '--out', 'undisturbed.md')
    for (let start = 0; start < 2; start++) {
      const waiting = await review('--audit', 'audit')
      expect(waiting.error).toBe('')
      expect(waiting.code).toBe(0)
      expect(waiting.out).toMatch(/12 findings in 12 files\. The report waits for a person to approve it, and there is no terminal to ask at\.\n.*--yes.*\n$/)
      expect(read('report.md')).toBe('')
    }
    const audit = read('audit')
    const { code, out } = await review('--yes', '--audit', 'audit')
    expect(code).toBe(0)
    expect(out).toContain('12 files taken over from an earlier run')
    expect(read('audit')).toBe(audit)
    expect(read('report.md')).toBe(read('undisturbed.md'))
  })

  test('killed while it compares, groups and writes, it writes the same report', async () => {
    plantMany(cwd, 12)
    await review('--yes', '--store', 'memory:', '--out', 'undisturbed.md')
    const isReviewed = (): boolean => read('audit').split('\n').filter(line => line.startsWith('done ')).length === 12
    for (const laterMs of [0, 10, 30, 60, 100]) {
      let since = 0
      await killWhen(startExample(cwd, '01-review-crew', 'code', '--yes', '--audit', 'audit'), 'SIGKILL', () => isReviewed() && performance.now() - (since ||= performance.now()) >= laterMs)
    }
    expect((await review('--yes')).code).toBe(0)
    expect(read('report.md')).toBe(read('undisturbed.md'))
  })

  const question: Question = {
    type: 'approval.asked', approvers: ['you'], level: 0, revision: '0-1',
    subject: { path: '/app/report.md', files: 3, lines: 90, findings: 7, byRule: {}, failed: 0, unreviewed: 0, groups: 1 },
  }
  const openTerminal = (isTTY = true) => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    let said = ''
    output.setEncoding('utf8').on('data', (text: string) => (said += text))
    const person = personAt(Object.assign(input, { isTTY }) as unknown as ReadStream, Object.assign(output, { isTTY }) as unknown as WriteStream)
    return { input, person, said: () => said }
  }

  test.each([['\n', true], ['y\n', true], ['no\n', false], ['N\n', false]])('a person at a terminal answers %j: %s', async (answer, approve) => {
    const { input, person, said } = openTerminal()
    const asked = person?.(question, new AbortController().signal)
    input.write(answer)
    expect(await asked).toBe(approve)
    expect(said()).toContain('7 findings in 3 files, 1 group of them alike. Write /app/report.md? [Y/n] ')
  })

  test('whoever goes away has not answered, and where there is no terminal there is nobody', async () => {
    const { person } = openTerminal()
    const leaving = new AbortController()
    const asked = person?.(question, leaving.signal)
    leaving.abort()
    expect(await asked).toBe(undefined)
    expect(openTerminal(false).person).toBe(undefined)
  })
})

test('findings of one kind whose code looks alike are one group, over any number of files', async () => {
  const steps = (extra: string): string => Array.from({ length: 80 }, (_, index) => `  prepare(${index % 7}, ${index}, '${extra}')`).join('\n')
  writeFiles(cwd, {
    'code/a.ts': `function loadOrders() {\n${steps('order')}\n}\nloadOrders()\n`,
    'code/b.ts': `const x = 1\nfunction loadUsers() {\n${steps('order')}\n  prepare(x)\n}\nloadUsers()\n`,
    'code/c.ts': `function loadItems() {\n${steps('order').replaceAll('prepare(3', 'prepare(4')}\n}\nloadItems()\n`,
    'code/d.ts': `function draw() {\n${Array.from({ length: 80 }, (_, index) => `  canvas.line(${index}).color = palette[${index}]`).join('\n')}\n}\ndraw()\n`,
  })
  const { code, out } = await review('--yes')
  expect(code).toBe(0)
  expect(out).toContain('1 group of findings look alike')
  expect(read('report.md')).toContain('- 3 × long-function: `a.ts:1`, `b.ts:2`, `c.ts:1`\n')
})

describe('on a real model', () => {
  /** Calls the first tool it is given, then remarks on line 1. */
  const openServer = async (): Promise<ChatServer> => {
    const server: ChatServer = await chatServer(response => {
      const { messages, tools } = (server.requests.at(-1) as { readonly body: unknown }).body as { readonly messages: readonly { readonly role: string }[]; readonly tools: readonly { readonly function: { readonly name: string } }[] }
      const name = tools[0]?.function.name ?? ''
      const isTold = messages.some(({ role }) => role === 'tool')
      stream(isTold ? [says(JSON.stringify({ findings: [{ rule: 'remark', line: 1, text: `I have called ${name}` }] })), ends('stop'), used(10, 5)] : [calls(0, { id: '1', name, arguments: '{}' }), ends('tool_calls'), used(10, 5)])(response)
    })
    return server
  }

  test('the specialists ask the model that the environment names, and report what it says', async () => {
    await using server = await openServer()
    vi.stubEnv('TROUPE_MODEL_URL', server.baseURL)
    vi.stubEnv('TROUPE_MODEL', 'tiny')
    vi.stubEnv('TROUPE_API_KEY', 'secret')
    writeFiles(cwd, { 'code/a.test.ts': "// says what it does\ntest('a', () => check())\n" })
    const { code, error } = await review('--yes')
    expect(error).toBe('')
    expect(code).toBe(0)
    for (const name of ['measure', 'inspect', 'check_tests', 'check_comments']) expect(read('report.md')).toContain(`- \`a.test.ts:1\` **remark**: I have called ${name}\n`)
    expect(server.requests).toHaveLength(8)
    expect(server.requests[0]?.body.model).toBe('tiny')
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret')
  })

  test.each([
    [{ TROUPE_MODEL: 'tiny' }, 'TROUPE_MODEL_URL and TROUPE_MODEL go together: where is the model?'],
    [{ TROUPE_MODEL_URL: 'http://localhost:1' }, 'TROUPE_MODEL_URL and TROUPE_MODEL go together: which model is it to be?'],
    [{ TROUPE_MODEL_URL: 'nowhere', TROUPE_MODEL: 'tiny' }, "TROUPE_MODEL_URL is no URL: 'nowhere'"],
  ])('%j is refused in one sentence', async (env, message) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    plantMany(cwd, 1)
    const { code, error } = await review('--yes')
    expect(code).toBe(2)
    expect(error).toBe(`review-crew: ${message}\nTry --help.\n`)
  })
})
