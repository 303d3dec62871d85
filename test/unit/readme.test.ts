import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

test.each([
  ['Hello agent', 'main.ts'],
  ['Durable machines', 'countdown.ts'],
])('the program of "%s" is examples/02-hello/%s, and has at most 20 lines', (section, file) => {
  const [, shown = ''] = new RegExp(`## ${section}[\\s\\S]*?\`\`\`ts\\n([\\s\\S]*?)\\n\`\`\``).exec(read('README.md')) ?? []
  const example = read(`examples/02-hello/${file}`).trimEnd()
  expect(shown).toBe(example)
  expect(example.split('\n').length).toBeLessThanOrEqual(20)
})

test('every test file that the README names exists', () => {
  for (const [, path = ''] of read('README.md').matchAll(/`(test\/[\w./-]+\.ts)`/g)) expect(() => read(path), path).not.toThrow()
})
