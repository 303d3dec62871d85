import type { ZodType } from 'zod'

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string }

const FENCED = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/

/** What a text answers: itself, or the JSON of the schema in it. The value is plain JSON whatever the schema makes of it. */
export function readAnswer(text: string, schema: ZodType | undefined): Answer {
  if (!schema) return { ok: true, value: text }
  const json = parse(text) ?? parse(FENCED.exec(text)?.[1] ?? '')
  if (!json) return { ok: false, reason: 'it is not JSON' }
  const checked = schema.safeParse(json.value)
  return checked.success ? { ok: true, value: toJson(checked.data) } : { ok: false, reason: issuesOf(checked.error) }
}

/** What JSON makes of a value; null where it makes nothing. */
export const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null') as unknown

/** Issues of a check, as a model can mend them. */
export const issuesOf = ({ issues }: { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] }): string =>
  issues.map(({ path, message }) => `${path.length === 0 ? 'it' : path.map(String).join('.')}: ${message}`).join('; ')

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
