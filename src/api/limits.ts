/** Every bound of the server, with its unit in the name. */
export const serverLimits = {
  /** Of a request, as sent: one event may have 1 MiB (`limits.payloadBytesMax`), with the names around it. */
  bodyBytesMax: 2 << 20,
  /** Nesting of a body: 64 levels of a payload (`limits.jsonDepthMax`), and the names around it. */
  jsonDepthMax: 68,
  /** Names in a body, all levels together: each is compared with those beside it. */
  jsonNamesMax: 20_000,
  /** Members and elements of a body, all levels together: bounds the time of its validation. */
  jsonValuesMax: 50_000,
  /** Of all headers of a request together. */
  headerBytesMax: 16 << 10,
  /** Until the headers of a request are there. */
  headersMs: 10_000,
  /** Until a request is there whole. */
  requestMs: 20_000,
  /** How often connections are looked at for the two above. */
  connectionsCheckMs: 2_000,
  /** For which an idle connection is kept. */
  keepAliveMs: 30_000,
  connectionsMax: 10_000,
  /** For which a server that closes waits for what is under way. */
  drainMs: 10_000,
  /** After which a refused request may come again while the server closes, in seconds. */
  retryAfterS: 1,
  /** Keys of a file. */
  keysMax: 1_000,
  /** For which a file of keys is trusted unread: a revoked key works no longer than that. */
  keysFreshMs: 1_000,
  /** Wrong keys per minute and address; further ones are told to wait. */
  failuresPerMinute: 20,
} as const
