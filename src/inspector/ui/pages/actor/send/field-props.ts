import type { Json } from '../../../../protocol.ts'
import type { Schema } from './schema.ts'
import type { Problems } from './validate.ts'

/** What the input of one value is given, whatever the value is. */
export interface FieldProps {
  readonly name: string
  /** Its place in the event: `items.0.price`. */
  readonly path: string
  readonly schema: Schema
  /** Where `$ref`s lead. */
  readonly root: Schema
  readonly value: Json | undefined
  readonly isRequired: boolean
  readonly problems: Problems
  readonly onValue: (value: Json | undefined) => void
}
