import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as machines from '../../machines/index.ts'
import * as patterns from '../../patterns/index.ts'
import { drawnPage } from '../support/docs/drawn-page.ts'
import { makeNoMachine, pages } from '../support/docs/pages.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
const isMachine = (value: unknown): boolean => typeof value === 'object' && value !== null && 'root' in value

test.each(Object.entries(pages))('the statechart of %s is that of the machine (npm run docs)', (page, machine) => {
  const { now, drawn } = drawnPage(page, machine)
  expect(now).toBe(drawn)
})

describe.each(Object.entries({ machines, patterns }))('%s', (folder, exported) => {
  const exports: readonly (readonly [string, unknown])[] = Object.entries(exported)
  const listed = exports.filter(([name, value]) => isMachine(value) || (typeof value === 'function' && !makeNoMachine.has(name)))

  test.each(listed)('%s has a page, named in test/support/docs/pages.ts', name => {
    expect(Object.keys(pages)).toContain(`${folder}/${kebab(name)}`)
  })

  test('every page is in the table', () => {
    const written = globSync('*.md', { cwd: join(DOCS, folder) }).map(file => `${folder}/${file.slice(0, -'.md'.length)}`)
    expect(Object.keys(pages)).toEqual(expect.arrayContaining(written))
  })
})
