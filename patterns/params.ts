import { z } from 'zod'
import { defaultPatternLimits } from './limits.ts'
import type { PatternLimits } from './limits.ts'

/** Params of patterns as JSON: what definitions are made of. */

export const ms = z.number().positive()
export const count = z.int().positive()
export const machineName = z.string().min(1).meta({ description: 'name of a registered machine' })

const retry = z.union([count, z.strictObject({ attempts: count.exactOptional(), baseMs: z.number().nonnegative().exactOptional(), factor: z.number().min(1).exactOptional(), maxMs: z.number().nonnegative().exactOptional() })])

const breaker = z.union([z.string(), z.strictObject({ address: z.string(), refused: z.enum(['wait', 'fail']).exactOptional(), answerMs: ms.exactOptional() })]).meta({ description: 'circuit breaker: machine/key, or more' })

export const memberOptions = { member: machineName, timeoutMs: ms.exactOptional(), retry: retry.exactOptional(), fallback: machineName.exactOptional(), breaker: breaker.exactOptional() }

/** A member: a name, or a name and how work is given to it. */
export const member = z.union([machineName, z.strictObject(memberOptions)])
/** Members in a list, or by name. */
export const members = z.union([z.array(member).min(1), z.record(z.string(), member)])

export const limits = z.strictObject(Object.fromEntries(Object.keys(defaultPatternLimits).map(limit => [limit, ms.exactOptional()])) as Record<keyof PatternLimits, z.ZodExactOptional<z.ZodNumber>>).exactOptional()
