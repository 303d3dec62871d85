import type { Term } from './term.ts'

/** The slot of each exam. */
export type Timetable = readonly number[]

/** What is wrong with a timetable, counted from the students and rooms themselves, not from what the exams believe. */
export interface Verdict {
  /** Pairs of exams in one slot that share students. */
  readonly clashes: number
  /** Students who would have to be in two places at once. */
  readonly students: number
  /** Exams without a room. */
  readonly roomless: number
}

export function judge({ students, slots, rooms }: Term, timetable: Timetable): Verdict {
  const pairs = new Set<string>()
  let torn = 0
  for (const exams of students) {
    const clashing = exams.flatMap((exam, at) => exams.slice(at + 1).flatMap(other => (timetable[exam] === timetable[other] ? [`${exam} ${other}`] : [])))
    for (const pair of clashing) pairs.add(pair)
    if (clashing.length > 0) torn++
  }
  const loads = Array.from({ length: slots }, (_, slot) => timetable.filter(taken => taken === slot).length)
  return { clashes: pairs.size, students: torn, roomless: loads.reduce((sum, load) => sum + Math.max(0, load - rooms), 0) }
}

export const isValid = ({ clashes, roomless }: Verdict): boolean => clashes === 0 && roomless === 0

const SLOTS_PER_DAY = 3
const HOURS = ['09:00', '12:30', '16:00']

/** `day 3, 12:30` */
export const nameOfSlot = (slot: number): string => `day ${Math.floor(slot / SLOTS_PER_DAY) + 1}, ${HOURS[slot % SLOTS_PER_DAY]}`

/** As a table that spreadsheets read. */
export function toCsv({ exams }: Term, timetable: Timetable): string {
  const rows = exams.map(({ code, students }, exam) => ({ code, students, slot: timetable[exam] ?? 0 })).toSorted((a, b) => a.slot - b.slot || (a.code < b.code ? -1 : 1))
  return ['slot,when,exam,students', ...rows.map(({ slot, code, students }) => `${slot + 1},"${nameOfSlot(slot)}",${code},${students}`)].map(line => `${line}\n`).join('')
}
