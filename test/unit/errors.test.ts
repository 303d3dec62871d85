import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TroupeError, errorKinds } from 'troupe'
import type { ErrorCode } from 'troupe'
import { assertInvariant, fromErrorInfo, toErrorInfo } from '../../src/core/errors.ts'

const root = join(import.meta.dirname, '../..')
const codes = Object.keys(errorKinds) as ErrorCode[]

const sources = ['src', 'machines', 'patterns']
  .flatMap(folder => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(path => join(folder, path)))
  .filter(path => path.endsWith('.ts') && path !== join('src', 'core', 'errors.ts'))
  .map(path => ({ path, text: readFileSync(join(root, path), 'utf8').replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, '') }))

describe('docs/errors.md', () => {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map(section => {
        const [code = '', meaning = '', todo = '', figures = ''] = section.split('\n\n').map(text => text.trim())
        return [code, { meaning, todo, figures }]
      }),
  )

  test('has exactly the codes that there are, in their order', () => {
    expect([...sections.keys()]).toEqual(codes)
    expect([...page.matchAll(/^\| \[`([^`]+)`\]/gm)].map(([, code]) => code)).toEqual(codes)
  })

  test.each(codes)('says the truth about %s', code => {
    const { status, exit, retryable, remedy } = errorKinds[code]
    const section = sections.get(code)
    expect(section?.todo).toBe(`What to do: ${remedy}`)
    expect(section?.figures).toBe(`HTTP ${status}, exit code ${exit}, ${retryable ? 'retryable' : 'not retryable'}.`)
    expect(section?.meaning).toMatch(/^[A-Z`].{10,}\.$/s)
    expect(page).toContain(`| [\`${code}\`](#${code.replaceAll('/', '')}) | ${status} | ${exit} | ${retryable ? 'yes' : 'no'} |`)
  })
})

describe('codes', () => {
  // Some are made by a rule of their own: a status gives the code, a store translates those of its driver.
  test.each(codes)('%s is given by the sources', code => {
    expect(sources.filter(({ text }) => text.includes(`'${code}'`)).map(({ path }) => path)).not.toEqual([])
  })

  test('all codes that the sources give are known', () => {
    const given = sources.flatMap(({ path, text }) => [...text.matchAll(/(?:TroupeError\(\s*|createBorder\(|code(?: ===|:) )'([^']+)'/g)].map(([, code]) => ({ path, code })))
    expect(given.length).toBeGreaterThan(50)
    // Of Node's own errors the stores know the codes too; they have no slash.
    expect(given.filter(({ code = '' }) => code.includes('/') && !Object.hasOwn(errorKinds, code))).toEqual([])
  })

  test.each(codes)('%s has an HTTP status, an exit code and a remedy that fit', code => {
    const error = new TroupeError(code, 'message', { address: 'm/k' })
    expect(error.status).toBeGreaterThanOrEqual(400)
    expect(error.status).toBeLessThan(600)
    // sysexits.h
    expect(error.exitCode).toBeGreaterThanOrEqual(64)
    expect(error.exitCode).toBeLessThanOrEqual(78)
    expect(error.remedy.length).toBeGreaterThan(10)
    expect(typeof error.retryable).toBe('boolean')
    // What can be tried again is temporary, and the other way round.
    expect(error.exitCode === 75 || code === 'store/full').toBe(error.retryable)
  })
})

describe('errors as data', () => {
  test('a TroupeError comes back as one, with all it knows', () => {
    const cause = new TroupeError('store/full', 'no room', { cause: new RangeError('ENOSPC') })
    const error = new TroupeError('payload/too-large', 'too much', { address: 'm/k', details: { bytes: 3, limit: 2 }, cause })
    const info = toErrorInfo(error)
    const back = fromErrorInfo(JSON.parse(JSON.stringify(info)))
    expect(back).toBeInstanceOf(TroupeError)
    expect(back).toMatchObject({ name: 'TroupeError', code: 'payload/too-large', message: 'too much', address: 'm/k', details: { bytes: 3, limit: 2 }, retryable: false, status: 413, exitCode: 65 })
    expect(back.cause).toBeInstanceOf(TroupeError)
    expect(back.cause).toMatchObject({ code: 'store/full', address: undefined, details: {} })
    expect((back.cause as Error).cause).toMatchObject({ name: 'RangeError', message: 'ENOSPC' })
  })

  test('another error keeps its name, message, code and stack, and stays another', () => {
    const error = Object.assign(new TypeError('no'), { code: 'EACCES' })
    const back = fromErrorInfo(toErrorInfo(error))
    expect(back).not.toBeInstanceOf(TroupeError)
    expect(back).toMatchObject({ name: 'TypeError', message: 'no', code: 'EACCES', stack: error.stack })
    expect(Object.keys(back)).toEqual(['code'])
  })

  test('what only says it is a TroupeError is none', () => {
    for (const code of ['no/such', 'toString', '__proto__']) {
      const back = fromErrorInfo({ name: 'TroupeError', message: 'm', code })
      expect(back, code).not.toBeInstanceOf(TroupeError)
      expect(back, code).toMatchObject({ name: 'TroupeError', message: 'm', code })
    }
    expect(fromErrorInfo({ name: 'TroupeError', message: 'm' })).not.toBeInstanceOf(TroupeError)
  })

  test('an error without a stack has one of its own', () => {
    const error = new Error('bare')
    delete error.stack
    const info = toErrorInfo(error)
    expect(info).toEqual({ name: 'Error', message: 'bare' })
    expect(fromErrorInfo(info).message).toBe('bare')
  })

  test.each([
    ['text', 'text'],
    [{ a: 1 }, '{"a":1}'],
    [null, 'null'],
    [undefined, 'undefined'],
    [42, '42'],
    [10n, '10'],
    [Symbol('s'), 'Symbol(s)'],
  ])('what is no error at all, %s, is told as text', (thrown, message) => {
    expect(toErrorInfo(thrown)).toEqual({ name: 'Error', message })
    expect(fromErrorInfo(toErrorInfo(thrown))).toMatchObject({ message })
  })

  test('a cycle, an object without a prototype and one whose conversion throws are told too', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    expect(toErrorInfo(cycle)).toEqual({ name: 'Error', message: '[object Object]' })
    const bare = Object.assign(Object.create(null) as Record<string, unknown>, { big: 1n })
    expect(toErrorInfo(bare).message).toMatch(/./)
    const nasty = { toJSON: () => { throw new Error('no') }, toString: () => { throw new Error('neither') } }
    expect(toErrorInfo(nasty).message).toMatch(/./)
  })

  test('details that JSON cannot hold are kept as text', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const info = toErrorInfo(new TroupeError('config/invalid', 'm', { details: { big: 3n, cycle, fine: [1] } }))
    expect(info.details).toEqual({ big: '3', cycle: '[object Object]', fine: '[1]' })
    expect(() => JSON.stringify(info)).not.toThrow()
  })

  test('causes are followed to a depth, also when they go in a circle', () => {
    const error = new Error('round')
    error.cause = error
    let depth = 0
    for (let info = toErrorInfo(error).cause; info; info = info.cause) depth++
    expect(depth).toBe(5)
    expect(fromErrorInfo(toErrorInfo(error)).message).toBe('round')
  })

  test('a cause that is no error is kept as text', () => {
    expect(fromErrorInfo(toErrorInfo(new Error('outer', { cause: 'inner' }))).cause).toMatchObject({ message: 'inner' })
  })
})

test('an invariant that does not hold is an error of the engine', () => {
  expect(() => assertInvariant(true, 'fine')).not.toThrow()
  expect(() => assertInvariant(false, 'seq grows')).toThrow('invariant broken: seq grows')
})
