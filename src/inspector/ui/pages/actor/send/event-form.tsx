import { useState } from 'react'
import type { EventView, Json } from '../../../../protocol.ts'
import { Failure } from '../../../parts/failure.tsx'
import { Icon } from '../../../parts/icon.tsx'
import { SchemaField } from './schema-field.tsx'
import { initialOf } from './schema.ts'
import type { Schema } from './schema.ts'
import { problemsOf } from './validate.ts'
import type { Problems } from './validate.ts'

export type SentEvent = { readonly type: string } & Readonly<Record<string, Json>>

interface EventFormProps {
  readonly event: EventView
  readonly isBusy: boolean
  /** What the server has said of the last try. */
  readonly error: Error | undefined
  readonly onSend: (event: SentEvent) => void
}

const NO_PROBLEMS: Problems = {}

/** The event as a form made of its schema, or as JSON; without a schema only as JSON. */
export function EventForm({ event: { type, jsonSchema, guarded }, isBusy, error, onSend }: EventFormProps) {
  const schema = jsonSchema && withType(jsonSchema as Schema, type)
  const [value, setValue] = useState<Json | undefined>(() => ({ ...(schema && (initialOf(schema, schema) as object | undefined)), type }))
  const [text, setText] = useState<string | undefined>(schema ? undefined : JSON.stringify({ type }, null, 2))
  const [problems, setProblems] = useState(NO_PROBLEMS)
  const asJson = text !== undefined
  const found = Object.entries(problems)

  const submit = (): void => {
    const { event, problem } = asJson ? parseEvent(text, type) : { event: { ...(value as object), type }, problem: '' }
    const next = event === undefined ? { '': problem } : schema ? problemsOf(schema, event) : NO_PROBLEMS
    setProblems(next)
    if (event && Object.keys(next).length === 0) onSend(event)
  }
  const change = (): void => {
    setProblems(NO_PROBLEMS)
    if (!asJson) return setText(JSON.stringify(value, null, 2))
    const { event } = parseEvent(text, type)
    if (event) setValue(event)
    setText(undefined)
  }
  return (
    <form
      className="stack event-form"
      noValidate
      aria-label={`Send ${type}`}
      onSubmit={submitted => {
        submitted.preventDefault()
        submit()
      }}
    >
      {guarded && <p className="muted small">A guard decides whether it leads anywhere: what you fill in may count.</p>}
      {asJson ? (
        <label className="stack-small">
          Event as JSON
          <textarea spellCheck={false} rows={6} value={text} aria-invalid={found.length > 0 ? true : undefined} onChange={typed => setText(typed.target.value)} />
        </label>
      ) : (
        schema && <SchemaField name="" path="" schema={schema} root={schema} value={value} isRequired problems={problems} onValue={setValue} />
      )}
      {asJson && found.length > 0 && (
        <ul className="field-problem small">
          {found.map(([path, problem]) => (
            <li key={path}>
              {path || 'The event'} {problem}
            </li>
          ))}
        </ul>
      )}
      {error && <Failure error={error} />}
      <div className="row">
        <button type="submit" className="primary" disabled={isBusy}>
          <Icon name="send" size={16} /> Send {type}
        </button>
        {schema && (
          <button type="button" className="quiet" onClick={change}>
            {asJson ? 'As a form' : 'As JSON'}
          </button>
        )}
      </div>
    </form>
  )
}

/** The type is chosen already: nothing to fill in, whether the machine's schema names it or not. */
const withType = (schema: Schema, type: string): Schema => (schema.properties ? { ...schema, properties: { ...schema.properties, type: { const: type } } } : schema)

function parseEvent(text: string, type: string): { readonly event?: SentEvent; readonly problem: string } {
  try {
    const event: unknown = JSON.parse(text)
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return { problem: 'must be a JSON object' }
    return { event: { ...event, type }, problem: '' }
  } catch (error) {
    return { problem: `is not JSON: ${(error as Error).message}` }
  }
}
