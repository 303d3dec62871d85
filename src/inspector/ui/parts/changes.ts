import type { Json } from '../../protocol.ts'

export type Change = 'added' | 'removed' | 'changed'

/** A place where two values differ; the path is empty where the whole of them does. */
export interface Difference {
  readonly path: readonly (string | number)[]
  readonly change: Change
  readonly before: Json | undefined
  readonly after: Json | undefined
}

/** Differences that are listed; with more nobody reads them. */
export const DIFFERENCES_MAX = 500

type Container = Readonly<Record<string, Json>>

const isContainer = (value: Json | undefined): value is Container => typeof value === 'object' && value !== null

/** Where two values differ, as deep as it can be told; arrays are compared place by place. */
export function differencesOf(before: Json | undefined, after: Json | undefined, path: readonly (string | number)[] = [], found: Difference[] = []): readonly Difference[] {
  if (found.length >= DIFFERENCES_MAX || Object.is(before, after)) return found
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      differencesOf(before[key], after[key], [...path, Array.isArray(after) ? Number(key) : key], found)
    }
    return found
  }
  found.push({ path, change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed', before, after })
  return found
}

/** `order.items[2].price` */
export const pathText = (path: readonly (string | number)[]): string => path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '')
