import { TroupeError } from '../core/errors.ts'

/** A group of threads with CPUs and a queue of its own, so that one kind of work cannot hold up another. */
export interface PlaneOptions {
  /** CPUs it has to itself, such as `[1, 2]`. Those that this process may not use are left out. Default: its part of those that are left. */
  readonly cpus?: readonly number[]
  /** Default: as many as it has CPUs. */
  readonly threads?: number
}

/** The pool of threads of a runtime. */
export interface WorkersOptions {
  /** Threads of a pool without planes. Default: what the system offers (`os.availableParallelism()`), less `control`. */
  readonly threads?: number
  /** CPUs that no thread is pinned to, so that the event loop has them for itself, such as `[0]`. Default: none. */
  readonly control?: readonly number[]
  /** Groups of threads by name; calls go to the first if they name none. Default: one, `default`. */
  readonly planes?: Readonly<Record<string, PlaneOptions>>
  /** Whether each thread is pinned to one CPU, where that is possible (Linux). Default true. */
  readonly pin?: boolean
  /** Calls of a plane that may wait; a further one is refused with `workers/busy`. Default 1,000. */
  readonly queueMax?: number
  /** Megabytes of JavaScript heap of a thread; buffers lie outside of it. Default: that of Node. */
  readonly memoryMbMax?: number
  /** Time after which a thread without work ends, all but one of each plane, in milliseconds. Default 60,000. */
  readonly idleMs?: number
}

const optionNames: readonly string[] = ['threads', 'control', 'planes', 'pin', 'queueMax', 'memoryMbMax', 'idleMs'] satisfies readonly (keyof WorkersOptions)[]

/** Below this a thread cannot even begin. */
const MEMORY_MB_MIN = 16

export interface Settings {
  readonly queueMax: number
  readonly memoryMbMax: number | undefined
  readonly idleMs: number
}

export interface PlaneLayout {
  readonly plane: string
  readonly threads: number
  /** CPUs that threads are pinned to, in turn; none when they are not. */
  readonly cpus: readonly number[]
  /** Why there are none; null when there are. */
  readonly reason: string | null
}

export interface Layout {
  readonly settings: Settings
  readonly control: readonly number[]
  readonly planes: readonly [PlaneLayout, ...PlaneLayout[]]
}

/** What the system offers. */
export interface Machine {
  readonly platform: string
  /** Undefined where the kernel cannot be asked. */
  readonly cpusAllowed: readonly number[] | undefined
  readonly parallelism: number
}

/** Gives threads and CPUs to planes. CPUs that this machine does not have are left out. */
export function layOut(options: WorkersOptions, machine: Machine): Layout {
  const { threads, planes, pin = true, control = [], queueMax = 1_000, memoryMbMax, idleMs = 60_000 } = options
  const allowed = machine.cpusAllowed ?? []
  const reason = !pin ? 'pin is off' : machine.platform !== 'linux' ? `pinning needs Linux, this is ${machine.platform}` : allowed.length === 0 ? 'there is no /proc that says which CPUs may be used' : null
  // A machine with one CPU has none to spare.
  const kept = control.some(cpu => allowed.includes(cpu)) && allowed.some(cpu => !control.includes(cpu)) ? control.filter(cpu => allowed.includes(cpu)) : []
  const entries = Object.entries(planes ?? { default: { threads: threads ?? Math.max(1, machine.parallelism - kept.length) } })
  const named = new Set(entries.flatMap(([, plane]) => plane.cpus ?? []))
  const usable = allowed.filter(cpu => !kept.includes(cpu))
  const left = usable.filter(cpu => !named.has(cpu))
  const others = entries.filter(([, plane]) => plane.cpus === undefined).map(([name]) => name)
  const laid = entries.map(([plane, { cpus, threads: own }]): PlaneLayout => {
    const given = cpus ? cpus.filter(cpu => allowed.includes(cpu)) : shareOf(left.length > 0 ? left : usable, others.indexOf(plane), others.length)
    const count = own ?? (given.length || cpus?.length || Math.max(1, Math.floor(machine.parallelism / entries.length)))
    if (reason !== null) return { plane, threads: count, cpus: [], reason }
    return { plane, threads: count, cpus: given.slice(0, count), reason: given.length > 0 ? null : `this process may not use the CPUs ${cpus?.join(', ')}` }
  })
  return { settings: { queueMax, memoryMbMax, idleMs }, control: kept, planes: laid as [PlaneLayout, ...PlaneLayout[]] }
}

/** Equal parts of the CPUs; where there are fewer than planes, planes share them. */
function shareOf(cpus: readonly number[], index: number, count: number): readonly number[] {
  const part = cpus.slice(Math.floor((index * cpus.length) / count), Math.floor(((index + 1) * cpus.length) / count))
  return part.length > 0 ? part : cpus.slice(index % (cpus.length || 1)).slice(0, 1)
}

/** Throws `config/invalid` for options that make no sense. */
export function checkOptions(options: WorkersOptions): void {
  const { threads, planes, control = [], queueMax, memoryMbMax, idleMs } = options
  const stray = Object.keys(options).find(option => !optionNames.includes(option))
  if (stray !== undefined) throw new TroupeError('config/invalid', `workers.${stray} is not an option; there are ${optionNames.join(', ')}`)
  const names = Object.keys(planes ?? {})
  if (planes && names.length === 0) throw new TroupeError('config/invalid', 'workers.planes must name a plane at least, or be left out')
  if (planes && threads !== undefined) throw new TroupeError('config/invalid', 'workers.threads is of a pool without planes: give each plane its threads')
  checkNumber('workers.threads', threads, 1)
  checkNumber('workers.queueMax', queueMax, 0)
  checkNumber('workers.memoryMbMax', memoryMbMax, MEMORY_MB_MIN)
  checkNumber('workers.idleMs', idleMs, 0)
  checkCpus('workers.control', control)
  for (const [name, plane] of Object.entries(planes ?? {})) {
    checkNumber(`workers.planes.${name}.threads`, plane.threads, 1)
    if (!plane.cpus) continue
    if (plane.cpus.length === 0) throw new TroupeError('config/invalid', `workers.planes.${name}.cpus must name a CPU at least, or be left out`)
    checkCpus(`workers.planes.${name}.cpus`, plane.cpus)
    const kept = plane.cpus.find(cpu => control.includes(cpu))
    if (kept !== undefined) throw new TroupeError('config/invalid', `workers.planes.${name}.cpus has CPU ${kept}, which workers.control keeps free`)
  }
}

function checkNumber(option: string, value: number | undefined, least: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= least && value < 2 ** 31)) throw new TroupeError('config/invalid', `${option} must be a whole number from ${least}, not ${value}`)
}

function checkCpus(option: string, cpus: readonly number[]): void {
  for (const cpu of cpus) checkNumber(`each CPU of ${option}`, cpu, 0)
}
