import type { CpuCall, CpuFunction, CpuScope } from '../core/cpu-pool.ts'
import { locate } from './load-function.ts'
import { sharedNow } from './thread-messages.ts'
import type { Order } from './thread-messages.ts'

/** Of a call that is no attempt of a task. */
export const plainScope: CpuScope = { attempt: 1, idempotencyKey: '', checkpoint: undefined, heartbeat: () => undefined, progress: () => undefined }

/** One call from its coming to its end. */
export class Call {
  readonly order: Order
  readonly transfer: readonly ArrayBuffer[]
  readonly scope: CpuScope
  readonly since = sharedNow()
  readonly #ended = Promise.withResolvers<unknown>()
  readonly #stop = new AbortController()
  readonly #letGo: () => void

  constructor(id: number, { module, export: name, input, transfer = [], signal, scope = plainScope }: CpuCall<CpuFunction>) {
    const { attempt, idempotencyKey, checkpoint } = scope
    this.order = { id, module: locate(module), export: name, input, attempt, idempotencyKey, checkpoint }
    this.transfer = transfer
    this.scope = scope
    const stop = (): void => this.abort(signal?.reason)
    signal?.addEventListener('abort', stop, { once: true })
    this.#letGo = () => signal?.removeEventListener('abort', stop)
    if (signal?.aborted) stop()
  }

  get end(): Promise<unknown> {
    return this.#ended.promise
  }

  /** What stops its thread. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Ends it, wherever it is: what its thread still does counts for nothing. */
  abort(reason: unknown): void {
    this.reject(reason)
    this.#stop.abort(reason)
  }

  resolve(output: unknown): void {
    this.#letGo()
    this.#ended.resolve(output)
  }

  reject(error: unknown): void {
    this.#letGo()
    this.#ended.reject(error)
  }
}
