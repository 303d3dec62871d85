import { TroupeError } from './errors.ts'
import type { ErrorCode } from './errors.ts'
import { fromErrorInfo, toErrorInfo } from './errors.ts'
import type { ErrorInfo } from './errors.ts'

/**
 * The border between live values and stored text.
 *
 * What JSON cannot hold is refused with the path of the value, never bent: a Date that came back as a string
 * would break the machine days later. Two kinds beyond JSON travel in a tagged form, because unmodified machines
 * keep them in context: errors (from `onError`) and typed arrays (embeddings).
 */

const TAG = '$troupe'
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype', TAG])

const typedArrays = { Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array }

/** How values are taken over the border. */
export interface Border {
  /** Code of the error thrown for a value that cannot be kept. */
  readonly code: ErrorCode
  readonly depthMax: number
  /** Freezes what was checked, so that a later change in place is a loud error. */
  readonly freeze: boolean
  /** Set when a tagged value was met: text made of it needs the tagging replacer. */
  tagged: boolean
  /** The actor concerned, for the message. */
  readonly address: string | undefined
  /** Typed arrays met: they cannot be frozen, so their owner compares them by content. */
  unfreezable: Set<ArrayBufferView> | undefined
}

export const createBorder = (code: ErrorCode, depthMax: number, freeze: boolean, address?: string): Border => ({ code, depthMax, freeze, address, tagged: false, unfreezable: undefined })

/** A reference to a live actor: it has XState's own persisted form and is never walked. */
export const isActorRef = (value: object): boolean => 'sessionId' in value && 'send' in value && 'ref' in value

/** An object literal or an array: what JSON holds. */
export const isContainer = (value: unknown): value is Record<string, unknown> | readonly unknown[] => {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !isActorRef(value)
}

/**
 * Checks a value, and freezes it where the border says so. Throws `border.code` naming the path. Whatever passes here is
 * written out too, so the walk costs a share of that and nothing is remembered about it.
 */
export function seal(value: unknown, path: string, border: Border, depth = 0): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return
    case 'number':
      if (!Number.isFinite(value)) throw unfit(border, path, String(value))
      return
    case 'object':
      if (value !== null) sealObject(value, path, border, depth)
      return
    default:
      throw unfit(border, path, `a ${typeof value}`)
  }
}

function sealObject(value: object, path: string, border: Border, depth: number): void {
  if (!isContainer(value)) return sealSpecial(value, path, border)
  if (depth >= border.depthMax) throw unfit(border, path, `nested deeper than ${border.depthMax} levels (or a cycle)`)
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (value[index] === undefined) throw unfit(border, `${path}[${index}]`, 'undefined inside an array')
      seal(value[index], `${path}[${index}]`, border, depth + 1)
    }
  } else {
    const record = value as Record<string, unknown>
    for (const key in record) {
      checkKey(key, path, border)
      const inner = record[key]
      if (typeof inner !== 'string') seal(inner, `${path}.${key}`, border, depth + 1)
    }
  }
  if (border.freeze) Object.freeze(value)
}

export function checkKey(key: string, path: string, border: Border): void {
  if (FORBIDDEN_KEYS.has(key)) throw unfit(border, `${path}.${key}`, 'a key that is not allowed')
}

function sealSpecial(value: object, path: string, border: Border): void {
  if (isActorRef(value)) return
  if (value instanceof Error) {
    border.tagged = true
    return
  }
  if (typedArrayName(value) !== undefined) {
    border.tagged = true
    border.unfreezable = (border.unfreezable ?? new Set()).add(value as ArrayBufferView)
    return
  }
  throw unfit(border, path, `a ${value.constructor?.name ?? 'class instance'}`)
}

/** The kind of a typed array, by which it is made again; undefined for everything else. A Buffer comes back as bytes. */
function typedArrayName(value: unknown): string | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  if (value instanceof Uint8Array) return 'Uint8Array'
  const { name } = value.constructor
  return Object.hasOwn(typedArrays, name) ? name : undefined
}

export function unfit(border: Border, path: string, what: string): TroupeError {
  // The document keeps the state under `snapshot`; to its author it is the machine's own context or output.
  const where = path.startsWith('snapshot.') ? path.slice('snapshot.'.length) : path
  return new TroupeError(border.code, `${where} is ${what}, which JSON cannot hold`, { details: { path: where }, ...(border.address !== undefined && { address: border.address }) })
}

/** Whether text made of a value needs the tagging replacer. */
export function isTagged(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const border = createBorder('context/unserializable', Infinity, false)
  seal(value, '', border)
  return border.tagged
}

/** Text of a value that has passed a border. */
export function encodeJson(value: unknown, tagged: boolean): string {
  return JSON.stringify(value, tagged ? tagReplacer : undefined) ?? 'null'
}

/** Called with the holder as `this`, as JSON.stringify does, because `toJSON` (of Buffer) has already run on the value. */
function tagReplacer(this: unknown, key: string, value: unknown): unknown {
  const raw = (this as Record<string, unknown>)[key]
  if (raw instanceof Error) return { [TAG]: 'Error', info: toErrorInfo(raw) }
  const name = typedArrayName(raw)
  if (name === undefined) return value
  const { buffer, byteOffset, byteLength } = raw as ArrayBufferView
  return { [TAG]: name, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
}

/** Reads text of the store back. Never revives anything but errors and typed arrays. */
export function decodeJson<T = unknown>(text: string): T {
  return (text.includes(`"${TAG}":`) ? JSON.parse(text, tagReviver) : JSON.parse(text)) as T
}

function tagReviver(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(TAG in value)) return value
  const tagged = value as { [TAG]: string; info?: ErrorInfo; base64?: string }
  if (tagged[TAG] === 'Error' && tagged.info) return fromErrorInfo(tagged.info)
  if (!Object.hasOwn(typedArrays, tagged[TAG]) || tagged.base64 === undefined) return value
  const bytes = Uint8Array.from(Buffer.from(tagged.base64, 'base64'))
  return new typedArrays[tagged[TAG] as keyof typeof typedArrays](bytes.buffer)
}

/** UTF-8 length of a text; short texts are not measured twice when they cannot exceed the limit. */
export function exceeds(text: string, bytesMax: number): number | undefined {
  if (text.length * 3 <= bytesMax) return undefined
  const bytes = Buffer.byteLength(text)
  return bytes > bytesMax ? bytes : undefined
}
