/** An event as somebody has typed it, or what is wrong with it. */
export type EditedEvent =
  | { readonly event: { readonly type: string; readonly [key: string]: unknown }; readonly problem: null }
  | { readonly event: null; readonly problem: string }

const wrong = (problem: string): EditedEvent => ({ event: null, problem })

/** Reads the JSON of an event; the machine's own schema is asked by the server. */
export function parseEvent(text: string): EditedEvent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return wrong(`This is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('An event is an object: { "type": "…" }.')
  const { type } = value as { readonly type?: unknown }
  if (typeof type !== 'string' || type === '') return wrong('The event needs a "type", a text that is not empty.')
  if (/^(?:xstate|troupe)\./.test(type)) return wrong(`Events whose type begins with "${type.split('.')[0]}." are the runtime's own and cannot be sent.`)
  return { event: value as { readonly type: string }, problem: null }
}
