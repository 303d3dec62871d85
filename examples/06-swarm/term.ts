/** What a university has to examine at the end of a term. */
export interface Term {
  readonly exams: readonly Exam[]
  /** For each exam those with which it shares students, in ascending order. */
  readonly rivals: readonly (readonly number[])[]
  /** The exams of each student. */
  readonly students: readonly (readonly number[])[]
  readonly slots: number
  /** Exams that have a room in one slot. */
  readonly rooms: number
}

export interface Exam {
  /** `CHE-217` */
  readonly code: string
  readonly students: number
}

export interface TermOptions {
  readonly seed: number
  readonly exams: number
  readonly slots: number
}

const SUBJECTS =
  'BIO CHE PHY MAT STA CSC ELE MEC CIV ARC GEO HIS PHI LAW ECO BUS PSY SOC POL LIT LIN MUS ART THE MED NUR PHA AGR ENV AST EDU JOU ANT CLA GER FRE SPA CHI ARA SLA'.split(' ')
const YEARS = 3
const STUDENTS_PER_EXAM = 6
/** Rooms beyond those that are needed when all slots are equally full. */
const SPARE_ROOMS = 0.15

/** A term that looks like a real one: students take most exams with their year, some of their subject, few of others. */
export function makeTerm({ seed, exams: count, slots }: TermOptions): Term {
  const random = randomOf(seed)
  const below = (most: number): number => Math.floor(random() * most)
  const subjectOf = (exam: number): number => exam % SUBJECTS.length
  const yearOf = (exam: number): number => Math.floor(exam / SUBJECTS.length) % YEARS
  const all = Array.from({ length: count }, (_, exam) => exam)
  const bySubject = Map.groupBy(all, subjectOf)
  const students = Array.from({ length: count * STUDENTS_PER_EXAM }, () => {
    const subject = subjectOf(below(count))
    const year = below(YEARS)
    const own = bySubject.get(subject) ?? []
    const same = own.filter(exam => yearOf(exam) === year)
    const pick = (from: readonly number[]): number => from[below(from.length)] ?? below(count)
    const taken = [pick(same), pick(same), pick(same), pick(own), ...(random() < 0.3 ? [below(count)] : [])]
    return [...new Set(taken)].toSorted((a, b) => a - b)
  })
  const sizes = new Uint32Array(count)
  const rivals = all.map(() => new Set<number>())
  for (const exams of students) {
    for (const exam of exams) {
      sizes[exam] = (sizes[exam] ?? 0) + 1
      for (const other of exams) if (other !== exam) rivals[exam]?.add(other)
    }
  }
  return {
    exams: all.map(exam => ({ code: `${SUBJECTS[subjectOf(exam)]}-${yearOf(exam) + 1}${String(Math.floor(exam / SUBJECTS.length / YEARS) + 1).padStart(2, '0')}`, students: sizes[exam] ?? 0 })),
    rivals: rivals.map(others => [...others].toSorted((a, b) => a - b)),
    students,
    slots,
    rooms: Math.ceil((count / slots) * (1 + SPARE_ROOMS)),
  }
}

/** Numbers from 0 to 1: mulberry32 by Tommy Ettinger. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
