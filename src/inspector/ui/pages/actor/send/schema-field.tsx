import { useId } from 'react'
import type { ReactNode } from 'react'
import type { Json } from '../../../../protocol.ts'
import { CompositeField } from './composite-field.tsx'
import type { FieldProps } from './field-props.ts'
import { kindOf, resolve } from './schema.ts'

/** The input for one value, whatever its schema says it is. */
export function SchemaField(props: FieldProps) {
  const schema = resolve(props.schema, props.root)
  switch (kindOf(schema)) {
    case 'const':
    case 'null':
      return null
    case 'object':
    case 'array':
    case 'union':
      return <CompositeField {...props} schema={schema} Field={SchemaField} />
    case 'boolean':
    case 'enum':
    case 'string':
    case 'number':
    case 'integer':
    case 'any':
      return <SingleField {...props} schema={schema} />
  }
}

/** Label, input, what it is for, and what is wrong with it. */
function SingleField(props: FieldProps) {
  const { name, schema, isRequired, path, problems } = props
  const id = useId()
  const problem = problems[path]
  const described = [schema.description === undefined ? '' : `${id}-about`, problem === undefined ? '' : `${id}-problem`].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>
        {schema.title ?? name}
        {!isRequired && <span className="muted small"> optional</span>}
      </label>
      {inputOf(props, { id, 'aria-invalid': problem === undefined ? undefined : true, 'aria-describedby': described || undefined })}
      {schema.description !== undefined && (
        <span id={`${id}-about`} className="muted small">
          {schema.description}
        </span>
      )}
      {problem !== undefined && (
        <span id={`${id}-problem`} className="field-problem small">
          {schema.title ?? name} {problem}
        </span>
      )}
    </div>
  )
}

interface InputAbout {
  readonly id: string
  readonly 'aria-invalid': true | undefined
  readonly 'aria-describedby': string | undefined
}

const LONG_TEXT = 200
const inputTypes: Readonly<Record<string, string>> = { email: 'email', uri: 'url' }

function inputOf(props: FieldProps, about: InputAbout): ReactNode {
  const { schema, value, isRequired, onValue } = props
  const kind = kindOf(schema)
  if (kind === 'boolean') return <input {...about} type="checkbox" checked={value === true} onChange={event => onValue(event.target.checked)} />
  if (kind === 'enum') return <Choice {...props} about={about} />
  if (kind === 'any') {
    const text = value === undefined ? '' : JSON.stringify(value, null, 2)
    return <textarea {...about} spellCheck={false} defaultValue={text} placeholder={'JSON, such as 1, "text" or {"a": 1}'} onChange={event => onValue(parsed(event.target.value))} />
  }
  if (kind === 'string') {
    const text = typeof value === 'string' ? value : ''
    const change = (typed: string): void => onValue(typed === '' && !isRequired ? undefined : typed)
    if ((schema.maxLength ?? 0) > LONG_TEXT) return <textarea {...about} value={text} onChange={event => change(event.target.value)} />
    return <input {...about} type={inputTypes[schema.format ?? ''] ?? 'text'} value={text} onChange={event => change(event.target.value)} />
  }
  const number = typeof value === 'number' ? value : ''
  // Not controlled: `1.` on the way to `1.5` is no number yet, and must not be taken away.
  return <input {...about} type="number" step={kind === 'integer' ? 1 : 'any'} defaultValue={number} onChange={event => onValue(Number.isNaN(event.target.valueAsNumber) ? undefined : event.target.valueAsNumber)} />
}

function Choice({ schema: { enum: options = [] }, value, isRequired, onValue, about }: FieldProps & { readonly about: InputAbout }) {
  return (
    <select {...about} value={value === undefined ? -1 : options.indexOf(value)} onChange={event => onValue(options[Number(event.target.value)])}>
      {(value === undefined || !isRequired) && <option value={-1}>{isRequired ? 'Choose…' : 'none'}</option>}
      {options.map((option, index) => (
        <option key={index} value={index}>
          {typeof option === 'string' ? option : JSON.stringify(option)}
        </option>
      ))}
    </select>
  )
}

function parsed(text: string): Json | undefined {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
