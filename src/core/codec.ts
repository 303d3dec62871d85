/** What a piece of user data belongs to; authenticated by codecs that encrypt. */
export interface CodecContext {
  readonly tenant: string
  readonly machine: string
  readonly key: string
  /** Sequence number of the actor that the data belongs to; 0 for data that has none yet. */
  readonly seq: number
}

/**
 * The one door that all user data of a store passes: checkpoints, journal entries, events, task inputs and results.
 * Plain by default; compression and encryption plug in here.
 */
export interface Codec {
  encode(text: string, context: CodecContext): string
  /** Throws when the data was not made by `encode` for the same context. */
  decode(data: string, context: CodecContext): string
}

export const plainCodec: Codec = { encode: text => text, decode: data => data }
