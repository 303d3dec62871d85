import type { AnyModel } from 'troupe/agents'
import { UsageError } from './options.ts'
import { ruleModel } from './rule-model.ts'

/** The model that the environment names: any endpoint that speaks OpenAI's protocol. Else the rules, which need no network. */
export async function openModel({ TROUPE_MODEL_URL: baseURL, TROUPE_MODEL: modelId, TROUPE_API_KEY: apiKey }: NodeJS.ProcessEnv): Promise<AnyModel> {
  if (!baseURL && !modelId) return ruleModel
  if (!baseURL || !modelId) throw new UsageError(`TROUPE_MODEL_URL and TROUPE_MODEL go together: ${baseURL ? 'which model is it to be?' : 'where is the model?'}`)
  if (!URL.canParse(baseURL)) throw new UsageError(`TROUPE_MODEL_URL is no URL: '${baseURL}'`)
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible').catch((cause: unknown) => {
    throw new UsageError('TROUPE_MODEL needs a package that is not installed: npm install @ai-sdk/openai-compatible', { cause })
  })
  return createOpenAICompatible({ name: 'troupe', baseURL, includeUsage: true, ...(apiKey && { apiKey }) })(modelId)
}
