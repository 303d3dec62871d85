import type { ZodType } from 'zod'
import { toStorable } from '../storable.ts'
import { shortened, textOfError } from './limits.ts'

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string }

/** What a text answers: itself, or the JSON of the schema in it. The value is plain JSON whatever the schema makes of it. */
export function readAnswer(text: string, schema: ZodType | undefined): Answer {
  if (!schema) return { ok: true, value: text }
  const json = parse(text) ?? parse(fencedIn(text))
  if (!json) return { ok: false, reason: 'it is not JSON' }
  try {
    const checked = schema.safeParse(json.value)
    return checked.success ? { ok: true, value: toStorable(checked.data, 'it') } : { ok: false, reason: issuesOf(checked.error) }
  } catch (error) {
    // Checks are code of users.
    return { ok: false, reason: textOfError(error) }
  }
}

const FENCE = '```'

/** What stands in the first fence; empty where there is none. An expression would take minutes for a long answer of line breaks. */
function fencedIn(text: string): string {
  const start = text.indexOf(FENCE)
  const end = text.indexOf(FENCE, start + FENCE.length)
  return start < 0 || end < 0 ? '' : text.slice(start + FENCE.length, end).replace(/^json/, '')
}

/** Issues of a check, as a model can mend them. */
export const issuesOf = ({ issues }: { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] }): string =>
  shortened(issues.map(({ path, message }) => `${path.length === 0 ? 'it' : path.map(String).join('.')}: ${message}`).join('; '))

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
