import { agent, scriptedModel, tool } from 'troupe/agents'
import { z } from 'zod'

const weather = tool({
  name: 'weather', description: 'The weather in a city, now.', input: z.object({ city: z.string() }),
  run: ({ city }) => `sunny and 18 °C in ${city}`,
})
/** Says what stands here; a real one: `const model = 'anthropic/claude-sonnet-5'` (npm install ai). */
const model = scriptedModel([{ toolCalls: [{ tool: 'weather', input: { city: 'Lisbon' } }] }, 'Take a light jacket: it is sunny and 18 °C.'])

const helper = agent({ name: 'helper', instructions: 'Say what to wear.', model, tools: [weather], budget: { costUsdMax: 0.1, turnsMax: 8 } })

export const machines = { helper }
