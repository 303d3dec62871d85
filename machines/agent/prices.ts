/** USD per million tokens. */
export interface Price {
  readonly input: number
  readonly output: number
}

export type PriceTable = Readonly<Record<string, Price>>

/**
 * List prices without caches, batches and surcharges for long contexts, as of October 2026; prices change, so give your own
 * where they matter: `{ ...defaultPrices, 'my-model': { input: 1, output: 4 } }`.
 * Sources: https://platform.claude.com/docs/en/about-claude/pricing,
 * https://github.com/github/docs/blob/024f6b0f/data/tables/copilot/models-and-pricing.yml
 */
export const defaultPrices: PriceTable = {
  'claude-haiku-4-5': { input: 1, output: 5 },
  'claude-sonnet-4-5': { input: 3, output: 15 },
  'claude-sonnet-5': { input: 2, output: 10 },
  'claude-opus-4-5': { input: 5, output: 25 },
  'claude-opus-5': { input: 5, output: 25 },
  'gpt-5-mini': { input: 0.25, output: 2 },
  'gpt-5.4': { input: 2.5, output: 15 },
  'gpt-5.4-mini': { input: 0.75, output: 4.5 },
  'gpt-5.4-nano': { input: 0.2, output: 1.25 },
  'gpt-5.5': { input: 5, output: 30 },
  'gemini-3.5-flash': { input: 1.5, output: 9 },
}

/** The price of a model, also under a gateway's name (`anthropic/claude-sonnet-4.5`) and with a date behind it. */
export function priceOf(modelId: string, prices: PriceTable = defaultPrices): Price | undefined {
  if (Object.hasOwn(prices, modelId)) return prices[modelId]
  const plain = plainId(modelId)
  return Object.entries(prices).find(([id]) => plainId(id) === plain)?.[1]
}

/**
 * What tokens cost, in USD; 0 for a model without a price.
 *
 * @example
 * costOf('gpt-5-mini', { inputTokens: 10_000, outputTokens: 500 }) // 0.0035
 */
export function costOf(modelId: string, usage: { readonly inputTokens: number; readonly outputTokens: number }, prices: PriceTable = defaultPrices): number {
  const price = priceOf(modelId, prices)
  return price ? (usage.inputTokens * price.input + usage.outputTokens * price.output) / 1_000_000 : 0
}

const plainId = (modelId: string): string => modelId.slice(modelId.lastIndexOf('/') + 1).toLowerCase().replaceAll('.', '-').replace(/-\d{4}-?\d{2}-?\d{2}$/, '')
