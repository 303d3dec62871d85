import { availableParallelism } from 'node:os'
import type { CpuCall, CpuFunction, CpuOutput, CpuPool, CpuPoolInfo } from '../core/cpu-pool.ts'
import { TroupeError } from '../core/errors.ts'
import { cpusAllowed } from './cpu-list.ts'
import { checkOptions, layOut } from './layout.ts'
import type { Layout, Machine, WorkersOptions } from './layout.ts'
import { Plane, closing } from './plane.ts'

/** A pool that somebody has to close. */
export interface OwnedCpuPool extends CpuPool, AsyncDisposable {
  /** Ends it: what waits and runs fails with `runtime/closed`, all threads end. */
  close(): Promise<void>
}

interface Laid {
  readonly machine: Machine
  readonly layout: Layout
  readonly planes: ReadonlyMap<string, Plane>
}

class Pool implements OwnedCpuPool {
  readonly #options: WorkersOptions
  readonly #report: (error: unknown) => void
  #laid: Laid | undefined
  #isClosed = false

  constructor(options: WorkersOptions, report: (error: unknown) => void) {
    checkOptions(options)
    this.#options = options
    this.#report = report
  }

  /** What this machine has is asked when it is needed: most runtimes never compute. */
  get #all(): Laid {
    if (this.#laid) return this.#laid
    const machine = { platform: process.platform, cpusAllowed: cpusAllowed(), parallelism: availableParallelism() }
    const layout = layOut(this.#options, machine)
    const planes = new Map(layout.planes.map(plane => [plane.plane, new Plane(plane, layout.settings, this.#report)]))
    return (this.#laid = { machine, layout, planes })
  }

  async run<TFunction extends CpuFunction>(call: CpuCall<TFunction>): Promise<CpuOutput<TFunction>> {
    if (this.#isClosed) throw closing()
    return (await this.#planeOf(call.plane).run(call)) as CpuOutput<TFunction>
  }

  threadsMax(plane?: string): number {
    return this.#planeOf(plane).threadsMax
  }

  info(): CpuPoolInfo {
    const { machine, layout } = this.#all
    const planes = [...this.#all.planes.values()]
    const threads = planes.flatMap(plane => plane.threads)
    const reason = layout.planes.find(plane => plane.reason !== null)?.reason ?? threads.find(thread => thread.tid !== null && thread.reason !== null)?.reason ?? null
    return { cpusAllowed: machine.cpusAllowed ?? null, control: layout.control, pinning: { isOn: reason === null, reason }, planes: planes.map(plane => plane.info), threads }
  }

  #planeOf(name = this.#all.layout.planes[0].plane): Plane {
    const { planes } = this.#all
    const plane = planes.get(name)
    if (plane) return plane
    throw new TroupeError('config/invalid', `there is no plane ${name} of threads; createRuntime({ workers: { planes } }) names ${[...planes.keys()].join(', ')}`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...(this.#laid?.planes.values() ?? [])].map(plane => plane.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * A pool of threads of its own; a runtime has one already, `runtime.workers`. Starts nothing until the first call.
 * Throws `config/invalid`.
 *
 * @example
 * await using pool = createCpuPool({ threads: 4 })
 */
export const createCpuPool = (options: WorkersOptions = {}, report: (error: unknown) => void = () => undefined): OwnedCpuPool => new Pool(options, report)
