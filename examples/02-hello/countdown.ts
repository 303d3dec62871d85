import { createRuntime, task } from 'troupe'
import { assign, setup } from 'xstate'

const countdown = setup({
  types: { context: {} as { left: number } },
  actors: { say: task({ run: ({ input }: { input: number }) => console.log(input) }) },
}).createMachine({
  context: { left: 10 }, initial: 'counting',
  states: {
    counting: { invoke: { src: 'say', input: ({ context }) => context.left }, after: { 1000: 'deciding' } },
    deciding: { entry: assign({ left: ({ context }) => context.left - 1 }), always: [{ guard: ({ context }) => context.left > 0, target: 'counting' }, 'flying'] },
    flying: { type: 'final' },
  },
  output: 'Lift-off!',
})

await using runtime = await createRuntime({ machines: { countdown }, store: 'sqlite:./data/countdown.db' })
const rocket = runtime.actor(countdown, 'rocket')
await rocket.start()
console.log(await rocket.result()) // kill it while it counts, run it again: it goes on
