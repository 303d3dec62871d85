import { useState } from 'react'
import type { ComponentType } from 'react'
import type { Json } from '../../../../protocol.ts'
import { Icon } from '../../../parts/icon.tsx'
import type { FieldProps } from './field-props.ts'
import { alternativesOf, initialOf, kindOf, nameOf, resolve } from './schema.ts'
import { placeWithin, problemsOf } from './validate.ts'

type CompositeProps = FieldProps & {
  /** For the fields inside. */
  readonly Field: ComponentType<FieldProps>
}

/** Fields made of fields: objects, lists and choices. */
export function CompositeField(props: CompositeProps) {
  const { name, path, schema, isRequired, problems } = props
  const kind = kindOf(schema)
  return (
    <fieldset className="field-group">
      {name !== '' && (
        <legend>
          {schema.title ?? name}
          {!isRequired && <span className="muted small"> optional</span>}
        </legend>
      )}
      {schema.description !== undefined && <p className="muted small">{schema.description}</p>}
      {kind === 'object' ? <ObjectFields {...props} /> : kind === 'array' ? <ListFields {...props} /> : <UnionFields {...props} />}
      {problems[path] !== undefined && (
        <p className="field-problem small">
          {name || 'The event'} {problems[path]}
        </p>
      )}
    </fieldset>
  )
}

const objectOf = (value: Json | undefined): Readonly<Record<string, Json>> => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {})

function ObjectFields({ schema, root, value, path, problems, onValue, Field }: CompositeProps) {
  const current = objectOf(value)
  const set = (name: string, next: Json | undefined): void => {
    const { [name]: _old, ...rest } = current
    onValue(next === undefined ? rest : { ...current, [name]: next })
  }
  return Object.entries(schema.properties ?? {}).map(([name, property]) => (
    <Field
      key={name}
      name={name}
      path={placeWithin(path, name)}
      schema={property}
      root={root}
      value={current[name]}
      isRequired={schema.required?.includes(name) ?? false}
      problems={problems}
      onValue={next => set(name, next)}
    />
  ))
}

function ListFields({ schema: { items: item = {} }, root, value, path, name, problems, onValue, Field }: CompositeProps) {
  const items = Array.isArray(value) ? value : []
  const replace = (index: number, next: Json | undefined): void => onValue(items.map((old, place) => (place === index ? (next ?? null) : old)))
  return (
    <>
      {items.map((one, index) => (
        <div key={index} className="list-item">
          <Field name={`${name} ${index + 1}`} path={placeWithin(path, index)} schema={item} root={root} value={one} isRequired problems={problems} onValue={next => replace(index, next)} />
          <button type="button" className="quiet" aria-label={`Remove ${name} ${index + 1}`} onClick={() => onValue(items.filter((_, place) => place !== index))}>
            <Icon name="cancel" size={14} />
          </button>
        </div>
      ))}
      <button type="button" onClick={() => onValue([...items, initialOf(item, root) ?? ''])}>
        <Icon name="plus" size={14} /> Add
      </button>
    </>
  )
}

function UnionFields({ schema, root, value, path, name, isRequired, problems, onValue, Field }: CompositeProps) {
  const alternatives = alternativesOf(schema)
  const fitting = alternatives.findIndex(alternative => value !== undefined && Object.keys(problemsOf(alternative, value, root)).length === 0)
  const [chosen, setChosen] = useState(fitting)
  const shown = isRequired ? Math.max(chosen, 0) : chosen
  const alternative = alternatives[shown]
  const kind = alternative && kindOf(resolve(alternative, root))
  const choose = (index: number): void => {
    const next = alternatives[index]
    setChosen(index)
    onValue(next && initialOf(next, root))
  }
  return (
    <>
      <select aria-label={`Kind of ${name || 'event'}`} value={shown} onChange={event => choose(Number(event.target.value))}>
        {!isRequired && <option value={-1}>none</option>}
        {alternatives.map((one, index) => (
          <option key={index} value={index}>
            {nameOf(one, root)}
          </option>
        ))}
      </select>
      {alternative && kind !== 'null' && (
        <Field key={shown} name={kind === 'object' ? '' : name || 'value'} path={path} schema={alternative} root={root} value={value} isRequired problems={problems} onValue={onValue} />
      )}
    </>
  )
}
