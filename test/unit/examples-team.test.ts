/** What the review crew shows of the workers that share it. */
import { Writable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { Team } from '../../examples/01-review-crew/team.ts'
import { createTeamScreen } from '../../examples/01-review-crew/team-screen.ts'
import type { TeamView } from '../../examples/01-review-crew/team-screen.ts'

function threeWorkers(): Team {
  const team = new Team()
  for (const pid of [11, 12, 13]) team.add(pid)
  return team
}

test('it is told once that each owns its share', () => {
  const team = threeWorkers()
  expect(team.see([11, 11, 12, null])).toEqual([])
  expect(team.see([11, 13, 12, 12])).toEqual(['4 partitions: worker 1 (pid 11) owns 1, worker 2 (pid 12) owns 2, worker 3 (pid 13) owns 1'])
  expect(team.see([11, 13, 12, 11])).toEqual([])
})

test('the partitions of a killed worker are followed until each has another owner', () => {
  const team = threeWorkers()
  team.see([11, 12, 12, 13, 12, 11])
  expect(team.ended(12, 'SIGKILL')).toBe('worker 2 (pid 12) has been killed (SIGKILL); its 3 partitions will go to the others')
  expect(team.see([11, 12, 12, 13, 12, 11])).toEqual([])
  expect(team.see([11, null, 13, 13, null, 11])).toEqual([])
  expect(team.see([11, 13, 13, 13, 11, 11])).toEqual(["worker 2's partitions are now with worker 1 (1) and worker 3 (2)"])
  expect(team.see([11, 13, 13, 13, 11, 11])).toEqual([])
  expect(team.views).toEqual([
    { name: 'worker 1', pid: 11, end: null, partitions: 3 },
    { name: 'worker 2', pid: 12, end: 'killed', partitions: 0 },
    { name: 'worker 3', pid: 13, end: null, partitions: 3 },
  ])
})

test('who takes over and is killed too hands on what it had taken', () => {
  const team = threeWorkers()
  team.see([11, 12, 13])
  team.ended(12, 'SIGKILL')
  team.see([11, 11, 13])
  expect(team.ended(11, null)).toBe('worker 1 (pid 11) has ended; its 2 partitions will go to the others')
  expect(team.see([99, 13, 13])).toEqual(["worker 1's partitions are now with another process (1) and worker 3 (1)"])
})

test('the map has a sign for each partition, in groups of eight', () => {
  const team = threeWorkers()
  team.see([11, 12, 13, null, 99, 11, 11, 11, 12, 12])
  team.ended(12, 'SIGKILL')
  expect(team.map).toBe('1·3·+111 ··')
})

function openTerminal(isTTY: boolean) {
  let written = ''
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      written += chunk.toString()
      done()
    },
  })
  const screen = createTeamScreen(Object.assign(stream, { columns: 80, rows: 20, isTTY }) as unknown as WriteStream)
  return { screen, written: () => written, frame: () => stripVTControlCharacters(written.split('\u001b[J').at(-1) ?? '') }
}

const view: TeamView = {
  progress: { folder: '/home/ann/app', concurrency: 12, done: 5, total: 10, takenOver: 1, retries: 2, stage: null, running: {} },
  workers: [
    { name: 'worker 1', pid: 11, end: null, partitions: 3 },
    { name: 'worker 2', pid: 12, end: 'killed', partitions: 0 },
    { name: 'worker 3', pid: 4_194_304, end: null, partitions: 1 },
  ],
  reviewed: { 11: 1, 12: 3 },
  map: '1131',
}

test('a terminal gets a line for each worker, and notes stay above', () => {
  const { screen, frame } = openTerminal(true)
  screen.show(view)
  screen.note('worker 2 has been killed')
  expect(frame()).toBe(`worker 2 has been killed
Reviewing /home/ann/app
████████████████░░░░░░░░░░░░░░░░ 5/10 files  2 retries
  worker 1  pid 11       owns 3 partitions   1 file reviewed
  worker 2  pid 12       killed              3 files reviewed
  worker 3  pid 4194304  owns 1 partition    0 files reviewed
  who owns which partition: 1131
  try it: kill -9 4194304
`)
  screen.end()
  expect(frame()).toBe('')
})

test('a pipe gets a line for each tenth part with who did how much, and the notes', () => {
  const { screen, written } = openTerminal(false)
  screen.show({ ...view, progress: undefined })
  screen.show(view)
  screen.note('worker 2 has been killed')
  screen.show({ ...view, progress: { folder: '/home/ann/app', concurrency: 12, done: 6, total: 10, takenOver: 1, retries: 2, stage: null, running: {} } })
  screen.end()
  expect(written()).toBe(`Reviewing 10 files in /home/ann/app, 12 at a time; 1 are done already
  worker 2 has been killed
  6/10 files, 2 retries; worker 1: 1, worker 2 (killed): 3, worker 3: 0, earlier: 1
`)
})
