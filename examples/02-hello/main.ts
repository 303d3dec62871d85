import { createRuntime } from 'troupe'
import { agent, scriptedModel, tool } from 'troupe/agents'
import { z } from 'zod'

const weather = tool({
  name: 'weather', description: 'The weather in a city, now.', input: z.object({ city: z.string() }),
  run: ({ city }) => `sunny and 18 °C in ${city}`,
})
const model = scriptedModel([ // says what stands here; a real one: `const model = 'anthropic/claude-sonnet-5'`
  { toolCalls: [{ tool: 'weather', input: { city: 'Lisbon' } }] },
  'Take a light jacket: it is sunny and 18 °C.',
])
const helper = agent({ name: 'helper', instructions: 'Say what to wear.', model, tools: [weather], budget: { costUsdMax: 0.1 } })

await using runtime = await createRuntime({ machines: { helper }, store: 'sqlite:./data/hello.db' })
const actor = runtime.actor(helper, 'ann')
await actor.start({ task: 'What do I wear in Lisbon today?' })
const { status, output, usage } = await actor.result()
console.log(`${status}: ${output} (${usage.modelCalls} model calls, ${usage.toolCalls} tool call)`)
