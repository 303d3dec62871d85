import { z } from 'zod'
import { TroupeError } from '../src/core/errors.ts'

/** The input of a machine with its defaults filled in. Throws `config/invalid`. */
export function inputOf<TSchema extends z.ZodType>(schema: TSchema, input: unknown, machine: string): z.output<TSchema> {
  const { success, data, error } = schema.safeParse(input)
  if (!success) throw new TroupeError('config/invalid', `a ${machine} cannot begin: ${z.prettifyError(error)}`)
  return data
}
