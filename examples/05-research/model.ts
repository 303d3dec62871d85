import type { AiSdkModel } from 'troupe/agents'

/** The model that the environment names, at any OpenAI-compatible endpoint; undefined when it names none. */
export async function modelOfEnvironment(): Promise<AiSdkModel | undefined> {
  const { TROUPE_MODEL_URL: baseURL, TROUPE_MODEL: model, TROUPE_API_KEY: apiKey } = process.env
  if (!baseURL && !model) return undefined
  if (!baseURL || !model) throw new Error('a real model needs both TROUPE_MODEL_URL and TROUPE_MODEL; without them the example works offline')
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible').catch((cause: unknown) => {
    throw new Error('a real model needs a package more: npm install @ai-sdk/openai-compatible', { cause })
  })
  return createOpenAICompatible({ name: 'environment', baseURL, includeUsage: true, ...(apiKey && { apiKey }) })(model)
}
