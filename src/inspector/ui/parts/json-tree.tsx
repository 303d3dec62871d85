import { memo, useState } from 'react'
import type { Json } from '../../protocol.ts'
import { pathText } from './changes.ts'
import type { Change, Difference } from './changes.ts'
import './json-tree.css'

/** Entries of one object or array that are shown at once. */
const PAGE = 100
const TEXT_MAX = 400
/** Levels that are open at first. */
const OPEN_DEPTH = 2

interface JsonTreeProps {
  readonly value: Json | undefined
  /** Marked in the tree, with what was there before. */
  readonly differences?: readonly Difference[]
}

/** JSON as a tree that opens; what is closed does not exist, so that large values cost nothing. */
export function JsonTree({ value, differences = [] }: JsonTreeProps) {
  if (value === undefined) return <p className="muted">nothing</p>
  const marks = new Map(differences.map(difference => [pathText(difference.path), difference]))
  return (
    <div className="json-tree">
      <JsonNode name={undefined} value={value} path={[]} marks={marks} />
    </div>
  )
}

interface JsonNodeProps {
  readonly name: string | number | undefined
  readonly value: Json
  readonly path: readonly (string | number)[]
  readonly marks: ReadonlyMap<string, Difference>
}

function JsonNode({ name, value, path, marks }: JsonNodeProps) {
  const mark = marks.get(pathText(path))
  const children = entriesOf(value)
  const holdsMark = children !== undefined && marks.size > 0 && [...marks.keys()].some(marked => marked.startsWith(pathText(path)))
  const [isOpen, setOpen] = useState<boolean>()
  const [shown, setShown] = useState(PAGE)
  if (!children) return <Leaf name={name} value={value} mark={mark} />
  const opened = isOpen ?? (path.length < OPEN_DEPTH || holdsMark)
  const gone = [...marks.values()].filter(({ change, path: at }) => change === 'removed' && at.length === path.length + 1 && pathText(at.slice(0, -1)) === pathText(path))
  return (
    <details className={markClass(mark)} open={opened} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <Name name={name} />
        <span className="muted">{Array.isArray(value) ? `[${children.length}]` : `{${children.length}}`}</span>
      </summary>
      {opened && (
        <div className="json-children">
          {children.slice(0, shown).map(([key, child]) => (
            <JsonNode key={key} name={key} value={child} path={[...path, key]} marks={marks} />
          ))}
          {gone.map(difference => (
            <Leaf key={pathText(difference.path)} name={difference.path.at(-1)} value={difference.before ?? null} mark={difference} />
          ))}
          {children.length > shown && (
            <button type="button" className="quiet" onClick={() => setShown(shown + PAGE)}>
              {children.length - shown} more
            </button>
          )}
        </div>
      )}
    </details>
  )
}

function entriesOf(value: Json): readonly (readonly [string | number, Json])[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value)
}

const markClass = (mark: Difference | undefined): string => (mark ? `json-mark json-${mark.change}` : '')
const markWords: Readonly<Record<Change, string>> = { added: 'added', removed: 'removed', changed: 'changed' }

const Name = ({ name }: { readonly name: string | number | undefined }) => (name === undefined ? null : <span className="json-name">{name}: </span>)

interface LeafProps {
  readonly name: string | number | undefined
  readonly value: Json
  readonly mark: Difference | undefined
}

const Leaf = memo(({ name, value, mark }: LeafProps) => (
  <div className={`json-leaf ${markClass(mark)}`}>
    <Name name={name} />
    {mark?.change === 'changed' && (
      <>
        <del>
          <Scalar value={mark.before ?? null} />
        </del>{' '}
      </>
    )}
    {mark?.change === 'removed' ? (
      <del>
        <Scalar value={value} />
      </del>
    ) : (
      <Scalar value={value} />
    )}
    {mark && <span className="visually-hidden"> ({markWords[mark.change]})</span>}
  </div>
))

export function Scalar({ value }: { readonly value: Json }) {
  const [isWhole, setWhole] = useState(false)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const isLong = text.length > TEXT_MAX && !isWhole
  return (
    <>
      <span className={`json-${value === null ? 'null' : typeof value}`}>{isLong ? `${text.slice(0, TEXT_MAX)}…` : typeof value === 'string' ? `"${text}"` : text}</span>
      {isLong && (
        <button type="button" className="quiet" onClick={() => setWhole(true)}>
          all {text.length.toLocaleString('en')} characters
        </button>
      )}
    </>
  )
}
