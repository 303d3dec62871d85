/** The analysers of examples/01-review-crew: what they find is true, and they are silent where they cannot know. */
import { describe, expect, test } from 'vitest'
import { reviewShape, reviewSlips } from '../../examples/01-review-crew/analyse/code.ts'
import { reviewComments } from '../../examples/01-review-crew/analyse/comments.ts'
import { findDuplicates } from '../../examples/01-review-crew/analyse/duplicates.ts'
import type { Finding } from '../../examples/01-review-crew/analyse/finding.ts'
import { fingerprintsOf, plainLines } from '../../examples/01-review-crew/analyse/fingerprint.ts'
import { reviewLines } from '../../examples/01-review-crew/analyse/lines.ts'
import { linksOf } from '../../examples/01-review-crew/analyse/links.ts'
import { reviewPromises } from '../../examples/01-review-crew/analyse/promises.ts'
import { codeLines, parseSource } from '../../examples/01-review-crew/analyse/source.ts'
import { isTestFile, reviewTests } from '../../examples/01-review-crew/analyse/tests.ts'
import { tokenize } from '../../examples/01-review-crew/analyse/tokens.ts'
import { findUnusedExports } from '../../examples/01-review-crew/analyse/unused-exports.ts'

const review = (text: string): readonly Finding[] => {
  const source = parseSource(text)
  expect(source.isClear).toBe(true)
  return [...reviewLines(source), ...reviewShape(source), ...reviewSlips(source), ...reviewPromises(source), ...reviewTests(source), ...reviewComments(source)]
}
const places = (text: string): readonly string[] => review(text).map(({ rule, line }) => `${line} ${rule}`)
const times = (count: number, line: string): string => `${line}\n`.repeat(count)

describe('the tokenizer', () => {
  const kinds = (text: string): string => tokenize(text).code.map(({ kind, text: word }) => (kind === 'mark' || kind === 'name' ? word : kind)).join(' ')

  test.each([
    ['a / b / c', 'a / b / c'],
    ['x = /[/"]\\//g.test(s)', 'x = regex . test ( s )'],
    ['if (a) /x{2}/.test(b)', 'if ( a ) regex . test ( b )'],
    ['f(a) / 2 / b', 'f ( a ) / number / b'],
    ['a[0] / 2; b++ / 2; c! / 2', 'a [ number ] / number ; b ++ / number ; c ! / number'],
    ['!/x/.test(y)', '! regex . test ( y )'],
    ['return /}/', 'return regex'],
    ['x.return / 2 / 3', 'x . return / number / number'],
    ['const a = { b: 1 } / 2', 'const a = { b : number } / number'],
    ['`a${b + `c${d}`}e`', 'template b + template d template template'],
    ['`\\${x} $ {`', 'template'],
    [`'it\\'s' + "a // b"`, 'string + string'],
    ['1_000.5e-3 + .5 + 0xffn', 'number + number + number'],
    ['#private in x', '#private in x'],
    ['a ?. b ?? c ? .5 : d', 'a ?. b ?? c ? number : d'],
  ])('reads %s', (text, words) => expect(kinds(text)).toBe(words))

  test('keeps comments apart, with the lines they stand on', () => {
    const { code, comments } = tokenize('#!/usr/bin/env node\na // one\n/* two\n*/ b')
    expect(comments.map(({ line, endLine }) => [line, endLine])).toEqual([[1, 1], [2, 2], [3, 4]])
    expect(code.map(({ text, line }) => `${text}:${line}`)).toEqual(['a:2', 'b:4'])
  })

  test.each([`'never ends`, '`never ends', 'f(', 'f(]', '}', "<p>don't</p>"])('says that it is lost in %s', text => expect(tokenize(text).ok).toBe(false))
})

describe('rules about lines', () => {
  test('a TODO without an owner is one, a TODO in a sentence or a string is not', () => {
    expect(places(`// TODO write this\n// TODO(ann) later\n/*\n * FIXME: that\n */\n// no TODO here\nx = 'TODO'\n// TODOs are fine`)).toEqual(['1 todo-owner', '4 todo-owner'])
  })

  test('only lines of code make a file long', () => {
    expect(places(times(400, 'a()') + times(50, '// why') + times(50, ''))).toEqual([])
    expect(places(times(401, 'a()'))).toEqual(['1 long-file'])
    expect(codeLines(parseSource('a\n\n// b\nc /* d */\n`e\nf`'))).toBe(4)
  })

  test('all long lines of a file are one finding, at the first', () => {
    expect(review(`a\n// ${'x'.repeat(200)}\n// ${'x'.repeat(300)}`)).toEqual([{ rule: 'long-line', line: 2, text: '2 lines from here on have more than 200 characters, the longest, line 3, has 303' }])
  })
})

describe('rules about functions', () => {
  const body = (lines: number): string => times(lines - 2, '  a()')

  test.each([
    ['function name(a: { b: number }): { c: number } {\n', 'name'],
    ['export async function* name<T extends Record<string, X>>(): AsyncGenerator<{ a: T }> {\n', 'name'],
    ['const name: (a: number) => void = async (a) => {\n', 'name'],
    ['const name = <T,>(a: T): Map<string, T[]> => {\n', 'name'],
    ['class A<T = {}> extends B({}) { static async name(): Promise<void> {\n', 'name'],
    ['class A { x = 1\n  #name(a = {}) {\n', '#name'],
    ['x = { name: function () {\n', 'name'],
    ['x = { get name() {\n', 'name'],
    ['test("a", () => {\n', 'a function given to test'],
    ['export default () => {\n', 'a function without a name'],
  ])('%s… is measured', (head, label) => {
    const closing = (head.match(/^(?:class|x = \{)/) ? '}}' : '}') + (head.startsWith('test') ? ')' : '')
    const long = review(head + body(71) + closing).filter(({ rule }) => rule === 'long-function')
    expect(long.map(({ text }) => text)).toEqual([`${label} has 71 lines, more than 70`])
    expect(review(head + body(70) + closing).filter(({ rule }) => rule === 'long-function')).toEqual([])
  })

  test('what only looks like a function is none', () => {
    expect(places(`if (a) {\n${times(80, 'a()')}}\ninterface A { b(): {\n${times(80, '  a: 1')}} }\ndeclare function f(): void\ndescribe('x', () => {\n${times(80, 'a()')}})`)).toEqual([])
  })

  test('nesting is counted in one function, and told once', () => {
    const nested = 'function f() { if (a) { for (;;) { while (b) {\n try {\n if (c) {\n if (d) { e() } } } finally { g() } } } } }'
    expect(review(nested)).toEqual([{ rule: 'deep-nesting', line: 3, text: 'f nests control flow more than 4 deep' }])
    expect(places('if (a) { for (;;) { while (b) { if (c) { x.map(() => { if (d) { e() } }) } } } }')).toEqual([])
    expect(places('if (a) { } else if (b) { } else if (c) { } else if (d) { } else if (e) { } else { }')).toEqual([])
  })

  test('an empty catch is found, one with a comment is a decision', () => {
    expect(places('try { a() }\ncatch {}\ntry { a() }\ncatch (error) { }\ntry { a() } catch { /* gone already */ }\na()\n  .catch(() => {})\na().catch(() => undefined)\nx = { catch: {} }')).toEqual(['2 empty-catch', '4 empty-catch', '7 empty-catch'])
  })

  test('console.log is told once per file', () => {
    expect(places(`console.error(1)\nlog('console.log(1)')\nconsole.log(2)\nconsole.log(3)\nmy.console.log(4)`)).toEqual(['3 console-log'])
  })
})

describe('floating promises', () => {
  const declared = 'async function save() {}\n'

  test.each(['save()', 'save();', 'a = 1\nsave()\nb()', 'if (a) save()', 'if (a) { b() } else save()', 'function g() {\n  save()\n}', 'x.forEach(() => { save() })', 'a()\nsave(b, () => { c() })'])('%s floats', text => {
    expect(review(declared + text).map(({ rule }) => rule)).toEqual(['floating-promise'])
  })

  test.each([
    'await save()', 'void save()', 'save().catch(report)', 'save()\n  .then(a)', 'const a = save()', 'const a =\n  save()', 'f(save())', 'f(\n  save()\n)', 'const f = () => save()', 'x.save()',
    'x = [\n  save(),\n]', 'a &&\n  save()', 'return save()', 'x = { save() {} }', 'class A { save() {}\n  b() {} }', 'interface A {\n  save()\n  b: 1\n}', 'for (;; save()) {}', '`${save()}`', 'save() ? a : b',
    'function other(save) { save() }', 'function other() { const save = sync\n save() }', 'items.map(save => { save() })', 'import { save } from "x"', 'const { save } = x\nsave()', 'try {} catch (save) { save() }',
  ])('%s does not, or cannot be known to', text => expect(review(declared + text)).toEqual([]))

  test('variables, promises declared as such, and methods of the same class count', () => {
    expect(places('const save = async () => {\n}\nsave()')).toEqual(['3 floating-promise'])
    expect(places('function save(): Promise<void> { return x }\nsave()')).toEqual(['2 floating-promise'])
    expect(places('class A { async #save() {}\n b() {\n this.#save()\n } }')).toEqual(['3 floating-promise'])
    expect(places('class A { async save() {} }\nclass B { save() {} b() {\n this.save()\n } }')).toEqual([])
    expect(places('async function* save() {}\nsave()')).toEqual([])
  })
})

describe('several files', () => {
  const linked = (files: Record<string, string>) => findUnusedExports(Object.entries(files).map(([path, text]) => ({ path, ...linksOf(parseSource(text)) })))
  const unused = (files: Record<string, string>) => linked(files).map(({ path, line, text }) => `${path}:${line} ${text.split(' ')[0]}`)

  test('imports and exports are read in all their forms', () => {
    const { imports, exports } = linksOf(parseSource(`import a, { b, type c as d } from './x.ts'
import * as e from './y.ts'
import './z.ts'
import type F from 'pkg'
export { g, h as i } from './w.ts'
export * from './v.ts'
export const j = 1, k = await import('./u.ts')
export async function* l() { return j }
export abstract class M {}
export const enum N { A }
export type { O }
export default function p() {}
export const { q } = r`))
    expect(imports).toEqual([
      { from: './x.ts', names: ['default', 'b', 'c'] },
      { from: './y.ts', names: ['*'] },
      { from: './z.ts', names: [] },
      { from: 'pkg', names: ['default'] },
      { from: './w.ts', names: ['g', 'h'] },
      { from: './v.ts', names: ['*'] },
      { from: './u.ts', names: ['*'] },
    ])
    expect(exports.map(({ name, line, isType, usedHere }) => [name, line, isType, usedHere])).toEqual([
      ['g', 5, false, false], ['i', 5, false, false], ['j', 7, false, true], ['l', 8, false, false], ['M', 9, false, false], ['N', 10, false, false], ['O', 11, true, false],
    ])
  })

  test('an export that nobody imports is found', () => {
    expect(unused({ 'a.ts': 'export const used = 1\nexport const unused = 2', 'b/c.ts': `import { used } from '../a.js'` })).toEqual(['a.ts:2 unused'])
  })

  test('an export is used by a namespace, a folder, a package, a path in a string or an entry point', () => {
    expect(unused({
      'a.ts': 'export const a = 1', 'b.ts': 'export const b = 1', 'c/index.ts': 'export const c = 1', 'd.ts': 'export const d = 1', 'e.ts': 'export interface E {}\nexport const e = (x: E) => x',
      'main.ts': `import * as all from './a'\nimport { b } from 'pkg'\nnew Worker('./d.ts')\nimport { e } from './e.ts'\nexport const main = 1`,
    })).toEqual([])
  })

  const duplicates = (a: string, b: string) => {
    const files = Object.entries({ 'a.ts': a, 'b.ts': b }).map(([path, text]) => ({ path, lines: plainLines(parseSource(text)) }))
    return findDuplicates(files.map(({ path, lines }) => ({ path, prints: fingerprintsOf(lines) })), path => Promise.resolve(files.find(file => file.path === path)?.lines ?? []))
  }
  const block = (count: number): string => Array.from({ length: count }, (_, index) => `step${index}(${index})`).join('\n')

  test('ten equal lines are found wherever they stand, however they are laid out', async () => {
    for (let before = 0; before < 12; before++) {
      const other = `${Array.from({ length: before }, (_, index) => `other${index}()`).join('\n')}\n// a comment\n${block(10).replaceAll('(', '( ')}\nend()`
      expect(await duplicates(`start()\n${block(10)}\nlast()`, other)).toEqual([
        { path: 'b.ts', rule: 'duplicated-block', line: before === 0 ? 3 : before + 2, text: `lines ${before === 0 ? 3 : before + 2}–${(before === 0 ? 3 : before + 2) + 9} are also in a.ts:2 (10 lines of code)` },
      ])
    }
  })

  test('nine equal lines, imports and lone brackets are no duplicates', async () => {
    expect(await duplicates(`start()\n${block(9)}\nlast()`, `other()\n${block(9)}\nend()`)).toEqual([])
    const imports = Array.from({ length: 12 }, (_, index) => `import {\n  a${index},\n} from './a.ts'`).join('\n')
    expect(await duplicates(`${imports}\na()`, `${imports}\nb()`)).toEqual([])
  })
})

describe('tests', () => {
  test('focused and skipped ones are found, but not where a comment gives the reason', () => {
    expect(places("test.only('a', () => check())\n// needs a printer\nit.skip('b', () => check())\n\ndescribe.skip('c', () => check())\nqueue.only('d')\n")).toEqual(['1 focused-test', '5 skipped-test'])
  })

  test('one that calls nothing checks nothing', () => {
    expect(places("test('a', () => {\n  const a = 1\n})\ntest('b', async () => {\n  expect(1)\n})\nit('c', function () {})\npattern.test('d')\n")).toEqual(['1 empty-test', '7 empty-test'])
  })

  test.each([['a/b.test.ts', true], ['b.spec.mjs', true], ['__tests__/b.js', true], ['a/test.ts', false], ['latest.ts', false]])('%s is one: %s', (path, is) => {
    expect(isTestFile(path)).toBe(is)
  })
})

describe('comments', () => {
  test('a parameter that there is not any more is found', () => {
    expect(places('/**\n * Adds.\n * @param a one\n * @param {number} [c=1] another\n */\nexport function add(a, b) {}\n')).toEqual(['4 stale-param'])
  })

  test.each(['/** @param options.deep all of it */\nconst f = ({ deep }) => deep\n', '/** @param b the other */\nconst f = (a, b) => a\n', '/** @param gone */\n\nconst f = a => a\n', '// @param gone\nfunction f(a) {}\n'])('%j is left alone', text => {
    expect(places(text)).toEqual([])
  })
})
