import { cpuTask } from 'troupe/workers'
import type { CpuInput, CpuTaskOptions } from 'troupe/workers'
import { assign, setup } from 'xstate'
import type { NonReducibleUnknown, PromiseActorLogic } from 'xstate'
import type * as functions from './cpu-functions.ts'

type Functions = typeof functions

/** A machine that has one function computed, and keeps its result or error. */
export function computing<TName extends keyof Functions>(name: TName, options: Partial<CpuTaskOptions<Functions[TName]>> = {}) {
  type Input = CpuInput<Functions[TName]>
  const work: PromiseActorLogic<unknown, NonReducibleUnknown> = cpuTask({ module: new URL('cpu-functions.ts', import.meta.url), export: name, ...(options as object) })
  return setup({
    types: { context: {} as { given: unknown; result: unknown; error: unknown }, input: {} as { given: Input }, events: {} as { type: 'LEAVE' } },
    actors: { work },
  }).createMachine({
    context: ({ input }) => ({ given: input.given, result: null, error: null }),
    initial: 'working',
    states: {
      working: {
        invoke: {
          id: 'job',
          src: 'work',
          input: ({ context }: { context: { given: unknown } }) => context.given as NonReducibleUnknown,
          onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
          onError: { target: 'done', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { LEAVE: 'done' },
      },
      done: { type: 'final' },
    },
    output: ({ context: { result, error } }) => ({ result, error }),
  })
}

export interface Computed {
  readonly result: unknown
  readonly error: (Error & { readonly code?: string }) | null
}
