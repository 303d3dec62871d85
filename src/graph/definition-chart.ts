import { createMachine } from 'xstate'
import type { Chart } from '../core/client/views.ts'
import { chartOf } from './chart.ts'

/** What Stately's inspector writes for what lies deeper than it goes. */
const CUT_OFF = new Set(['[Object]', '[Array]', '[Circular]'])
/** They would reach prototypes. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])
const DEPTH_MAX = 64

/**
 * Draws the config of a machine given as JSON, as far as it was told; null where it is none. It comes from another app, so nothing in
 * it is run: guards, actions and invoked logic are names in it.
 */
export function chartOfDefinition(definition: string): Chart | null {
  try {
    const config: unknown = JSON.parse(definition, (key, value: unknown) => (FORBIDDEN.has(key) || (typeof value === 'string' && CUT_OFF.has(value)) ? undefined : value))
    if (typeof config !== 'object' || config === null || depthOf(config) > DEPTH_MAX) return null
    return chartOf(createMachine(config), () => 'live')
  } catch {
    // No JSON, or a config that XState refuses, such as one whose targets were cut off: there is nothing to draw.
    return null
  }
}

const depthOf = (value: unknown): number => (typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0)
