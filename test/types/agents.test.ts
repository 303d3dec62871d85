import { describe, expectTypeOf, test } from 'vitest'
import { agent, tool } from 'troupe/agents'
import type { AgentContext, AgentInput, Model, Outcome } from 'troupe/agents'
import type { Runtime } from 'troupe'
import { z } from 'zod'

declare const model: Model
const guide = agent({ name: 'guide', instructions: 'Guide.', model, output: z.object({ city: z.string() }) })
const poet = agent({ name: 'poet', instructions: 'Write.', model })
declare const runtime: Runtime<{ guide: typeof guide; poet: typeof poet }>

/** Nothing here runs: a mistake is an error of the compiler. */
describe('an agent', () => {
  test('puts out what its schema says, and text without one', () => {
    expectTypeOf(runtime.actor('guide', '1').result).returns.resolves.toHaveProperty('output').toEqualTypeOf<{ city: string } | null>()
    expectTypeOf(runtime.actor('poet', '1').result).returns.resolves.toHaveProperty('output').toEqualTypeOf<string | null>()
    expectTypeOf(runtime.actor('poet', '1').result).returns.resolves.toEqualTypeOf<Outcome<string>>()
  })

  test('takes its own input and events', () => {
    expectTypeOf(runtime.actor('poet', '1').start).parameter(0).toEqualTypeOf<AgentInput | undefined>()
    expectTypeOf(runtime.actor('poet', '1').send).toBeCallableWith({ type: 'user.message', content: 'hi' })
    // @ts-expect-error -- no such event
    void runtime.actor('poet', '1').send({ type: 'user.massage', content: 'hi' })
    // @ts-expect-error -- a decision is about a call
    void runtime.actor('poet', '1').send({ type: 'approval.decide', approve: true })
    expectTypeOf(runtime.actor('poet', '1').snapshot).returns.resolves.toHaveProperty('context').toEqualTypeOf<AgentContext>()
  })

  test('has tools that get what their schema says', () => {
    tool({ name: 'pay', description: 'Pays.', input: z.object({ cents: z.number() }), needsApproval: ({ cents }) => cents > 1, run: ({ cents }) => { expectTypeOf(cents).toBeNumber() } })
    // @ts-expect-error -- gives what it must not
    tool({ name: 'pay', description: 'Pays.', input: z.object({}), output: z.string(), run: () => 1 })
    // @ts-expect-error -- no instructions
    agent({ name: 'poet', model })
  })
})
