import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, setup } from 'xstate'

/** A member as users have them: a machine with a task. */
export const worker = (id: string, run: (task: never) => unknown) =>
  setup({
    types: { input: {} as { task: unknown }, context: {} as { task: unknown; output: unknown } },
    actors: { work: task({ run: async ({ input }: TaskScope<{ task: unknown }>) => run(input.task as never), retry: 1 }) },
  }).createMachine({
    id,
    context: ({ input }) => ({ task: input.task, output: null as unknown }),
    initial: 'working',
    states: { working: { invoke: { id: 'work', src: 'work', input: ({ context }) => ({ task: context.task }), onDone: { target: 'done', actions: assign({ output: ({ event }) => event.output }) } } }, done: { type: 'final' } },
    output: ({ context }) => context.output,
  })
