import type { NonReducibleUnknown, PromiseActorLogic } from 'xstate'
import { isMoved } from '../core/cpu-pool.ts'
import type { CpuFunction, CpuInput, CpuOutput, CpuScope, CpuSource } from '../core/cpu-pool.ts'
import { isContainer } from '../core/json.ts'
import { task } from '../core/task.ts'
import type { TaskOptions } from '../core/task.ts'
import { loadFunction, locate } from './load-function.ts'

export interface CpuTaskOptions<TFunction extends CpuFunction> extends CpuSource, Omit<TaskOptions<CpuInput<TFunction>, CpuOutput<TFunction>>, 'run'> {}

/**
 * A durable task whose work is a function on the runtime's pool of threads. Under plain `createActor` it runs in process.
 * Throws `config/invalid` for options that make no sense.
 *
 * Input and output are JSON and typed arrays, as of any task: they are in the checkpoint. What is larger belongs into a file, or into
 * `runtime.workers.run`.
 *
 * @example
 * setup({ actors: { factor: cpuTask<typeof factor>({ module: new URL('./heavy.ts', import.meta.url), export: 'factor', timeout: 60_000 }) } })
 */
export function cpuTask<TFunction extends CpuFunction = (input: NonReducibleUnknown) => NonReducibleUnknown>(options: CpuTaskOptions<TFunction>): PromiseActorLogic<CpuOutput<TFunction>, CpuInput<TFunction>> {
  const { module, export: name, plane, ...rest } = options
  const source = { module: locate(module), export: name, ...(plane !== undefined && { plane }) }
  return task<CpuOutput<TFunction>, CpuInput<TFunction>>({
    ...rest,
    run: scope => {
      const { input, workers, signal } = scope
      if (!workers) return runHere<TFunction>(source, input, scope)
      // The input is this attempt's own copy: nobody misses its buffers.
      return workers.run<TFunction>({ ...source, input, transfer: buffersOf(input), signal, scope })
    },
  })
}

async function runHere<TFunction extends CpuFunction>({ module, export: name }: CpuSource, input: CpuInput<TFunction>, scope: CpuScope): Promise<CpuOutput<TFunction>> {
  const run = await loadFunction(locate(module), name)
  const output: unknown = await run(input as never, scope)
  return (isMoved(output) ? output.value : output) as CpuOutput<TFunction>
}

function buffersOf(value: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) return [value.buffer as ArrayBuffer]
  return isContainer(value) ? Object.values(value).flatMap(buffersOf) : []
}
