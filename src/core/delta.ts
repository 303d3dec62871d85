import { checkKey, encodeJson, isContainer, seal, unfit } from './json.ts'
import type { Border } from './json.ts'

/**
 * Deltas between immutable values, found by identity: parts that are the same reference are not looked into,
 * so a delta costs what changed and not what is there.
 *
 * An op sets (`[path, value]`), deletes (`[path]`) or, on an array, keeps the first n items and appends the
 * rest (`[path, n, items]`): the shape of a growing conversation.
 */
export type Path = readonly (string | number)[]
export type Op = readonly [Path] | readonly [Path, unknown] | readonly [Path, number, readonly unknown[]]

const textOf = (path: Path): string => path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '')

/** Appends to `ops` what turns `before` into `after`, and seals what is new in `after`. */
export function diff(before: unknown, after: unknown, path: Path, ops: Op[], border: Border): void {
  if (Object.is(before, after) && (border.freeze || !isContainer(after))) return
  if (Array.isArray(before) && Array.isArray(after)) return diffArrays(before, after, path, ops, border)
  if (isContainer(before) && isContainer(after) && !Array.isArray(before) && !Array.isArray(after)) {
    return diffObjects(before as Record<string, unknown>, after as Record<string, unknown>, path, ops, border)
  }
  seal(after, textOf(path), border, path.length)
  // Where nothing is frozen, `before` is a copy: an error or a typed array is never the same one.
  if (!border.freeze && equal(before, after)) return
  ops.push(after === undefined ? [path] : [path, after])
}

function diffObjects(before: Record<string, unknown>, after: Record<string, unknown>, path: Path, ops: Op[], border: Border): void {
  if (path.length > border.depthMax) return seal(after, textOf(path), border, path.length)
  for (const key in after) {
    const next = after[key]
    const last = before[key]
    if (Object.is(last, next) && (border.freeze || typeof next !== 'object')) continue
    if (!Object.hasOwn(before, key)) checkKey(key, textOf(path), border)
    diff(Object.hasOwn(before, key) ? last : undefined, next, [...path, key], ops, border)
  }
  for (const key in before) if (!Object.hasOwn(after, key) && before[key] !== undefined) ops.push([[...path, key]])
  if (border.freeze) Object.freeze(after)
}

function diffArrays(before: readonly unknown[], after: readonly unknown[], path: Path, ops: Op[], border: Border): void {
  // Before items are compared by content they must be known to have one: text of a cycle has no end.
  if (!border.freeze) seal(after, textOf(path), border, path.length)
  const common = commonPrefix(before, after, border)
  const sameLength = before.length === after.length
  for (let index = common; index < after.length; index++) {
    const item = after[index]
    if (item === undefined) throw unfit(border, textOf([...path, index]), 'undefined inside an array')
    if (sameLength) diff(before[index], item, [...path, index], ops, border)
    else seal(item, textOf([...path, index]), border, path.length)
  }
  if (!sameLength) ops.push([path, common, after.slice(common)])
  if (border.freeze) Object.freeze(after)
}

/** Items of the prefix that are the same; by content where identity proves nothing, because nothing was frozen. */
function commonPrefix(before: readonly unknown[], after: readonly unknown[], border: Border): number {
  const length = Math.min(before.length, after.length)
  for (let index = 0; index < length; index++) {
    if (border.freeze ? Object.is(before[index], after[index]) : equal(before[index], after[index])) continue
    return index
  }
  return length
}

const equal = (a: unknown, b: unknown): boolean => Object.is(a, b) || (typeof a === 'object' && typeof b === 'object' && encodeJson(a, true) === encodeJson(b, true))

/**
 * Applies ops to a document of plain data. Containers in `owned` are changed in place, others are copied first and then
 * owned: pass one set for a document of your own, an empty one to keep the old document whole.
 */
export function applyDelta<T>(document: T, ops: readonly Op[], owned?: WeakSet<object>): T {
  const root = { document }
  for (const op of ops) applyOp(root, op, owned)
  return root.document
}

type Container = Record<string | number, unknown>

function applyOp(root: { document: unknown }, op: Op, owned: WeakSet<object> | undefined): void {
  let holder = root as unknown as Container
  let key: string | number = 'document'
  for (const part of op[0]) {
    if (part === '__proto__') throw new Error('the delta does not fit the document')
    holder = holder[key] = own(holder[key], owned)
    key = part
  }
  if (op.length === 1) delete holder[key]
  else if (op.length === 2) holder[key] = op[1]
  else {
    const list = (holder[key] = own(holder[key], owned)) as unknown as unknown[]
    list.length = op[1]
    for (const item of op[2]) list.push(item)
  }
}

function own(value: unknown, owned: WeakSet<object> | undefined): Container {
  if (typeof value !== 'object' || value === null) throw new Error('the delta does not fit the document')
  if (owned === undefined || owned.has(value)) return value as Container
  const copy = (Array.isArray(value) ? value.slice() : { ...value }) as Container
  owned.add(copy)
  return copy
}
