/** What the review crew shows while it works. */
import { Writable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { createScreen } from '../../examples/01-review-crew/terminal.ts'
import type { Progress } from '../../examples/01-review-crew/terminal.ts'

function openTerminal(size: { readonly isTTY: boolean; readonly columns?: number; readonly rows?: number }) {
  let written = ''
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      written += chunk.toString()
      done()
    },
  })
  const screen = createScreen(Object.assign(stream, { columns: 60, rows: 20, ...size }) as unknown as WriteStream)
  return { screen, written: () => written, frame: () => stripVTControlCharacters(written.split('\u001b[J').at(-1) ?? '').split('\n') }
}

const progress = (part: Partial<Progress>): Progress => ({ folder: '/home/ann/app', concurrency: 4, done: 0, total: 0, takenOver: 0, retries: 0, stage: null, running: {}, ...part })

afterEach(() => vi.unstubAllEnvs())

test('a terminal gets a bar and the state of every reviewer, drawn again in place', () => {
  const { screen, frame, written } = openTerminal({ isTTY: true })
  screen.show(progress({ total: 10 }))
  screen.show(progress({ done: 5, total: 10, retries: 2, running: { 'file-5': 'src/a.ts', 'file-6': 'src/b.ts' } }))
  screen.showReviewers([{ id: 'file-5', members: ['structure', 'docs'] }])
  const [head, bar, ...reviewers] = frame()
  expect(head).toBe('Reviewing /home/ann/app')
  expect(bar).toMatch(/^█{10}░{10} 5\/10 files {2}2 retries$/)
  expect(reviewers).toEqual([`  ${'structure docs'.padEnd(30)} src/a.ts`, `  ${'starting'.padEnd(30)} src/b.ts`, ''])
  screen.showReviewers([])
  expect(written()).toContain('\u001b[4A\r\u001b[J')
  screen.end()
  expect(frame()).toEqual([''])
})

test('lines are cut to the width, and reviewers to the height', () => {
  const { screen, frame } = openTerminal({ isTTY: true, columns: 30, rows: 9 })
  screen.show(progress({ folder: `/home/${'x'.repeat(80)}/app` }))
  screen.show(progress({ done: 12, total: 5_000, running: Object.fromEntries(Array.from({ length: 9 }, (_, id) => [`file-${id}`, `a/long/path/to/a/file/${id}.ts`])) }))
  screen.showReviewers([])
  const lines = frame()
  expect(lines.every(line => line.length < 30), lines.join('\n')).toBe(true)
  expect(lines).toHaveLength(7)
  expect(lines.at(-2)).toBe('  … and 6 more')
  expect(lines[2]).toMatch(/….*0\.ts$/)
})

test('after the last file the terminal says what is still done', () => {
  const { screen, frame } = openTerminal({ isTTY: true })
  screen.show(progress({ done: 10, total: 10, stage: 'comparing all files' }))
  expect(frame().slice(2)).toEqual(['  comparing all files', ''])
})

test('NO_COLOR takes the colours away', () => {
  vi.stubEnv('NO_COLOR', '1')
  const { screen, written } = openTerminal({ isTTY: true })
  screen.show(progress({ done: 1, total: 2, running: { 'file-1': 'a.ts' } }))
  expect(written()).not.toContain('\u001b[3')
})

test('a pipe gets plain lines, one per tenth at most', () => {
  const { screen, written } = openTerminal({ isTTY: false })
  for (let done = 7; done <= 1_000; done++) screen.show(progress({ done, total: 1_000, takenOver: 7 }))
  screen.end()
  const lines = written().trimEnd().split('\n')
  expect(lines[0]).toBe('Reviewing 1000 files in /home/ann/app, 4 at a time; 7 are done already')
  expect(lines).toHaveLength(11)
  expect(lines.at(-1)).toBe('  1000/1000 files, 0 retries')
})
