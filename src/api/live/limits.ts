/** Every bound of live connections, with its unit in the name. */
export interface LiveLimits {
  /** Live connections of one key, or of all callers without one. */
  readonly connectionsPerKeyMax: number
  /** Streams of one WebSocket. */
  readonly subscriptionsMax: number
  /** Of a message from a client. */
  readonly messageBytesMax: number
  /** Of a message from a plain XState app: its whole snapshot. */
  readonly guestMessageBytesMax: number
  readonly guestMessagesBurstMax: number
  readonly guestMessagesPerSecondMax: number
  /** From one WebSocket, pings included: so many at once, and so many each second. */
  readonly messagesBurstMax: number
  readonly messagesPerSecondMax: number
  /** What waits for one WebSocket: above it its streams stand still until the client has read. */
  readonly waitingBytesMax: number
  /** Between two pings, and between two comments of an idle event stream. */
  readonly heartbeatMs: number
  /** After which a WebSocket that says nothing, not even an answer to a ping, is dropped. */
  readonly silenceMs: number
  /** After which a browser opens an event stream again. */
  readonly retryMs: number
  /** For which a WebSocket that is closed may take to say so too. */
  readonly farewellMs: number
}

export const defaultLiveLimits: LiveLimits = {
  connectionsPerKeyMax: 5_000,
  subscriptionsMax: 100,
  messageBytesMax: 64 << 10,
  guestMessageBytesMax: 1 << 20,
  guestMessagesBurstMax: 20_000,
  guestMessagesPerSecondMax: 2_000,
  messagesBurstMax: 300,
  messagesPerSecondMax: 100,
  waitingBytesMax: 256 << 10,
  heartbeatMs: 15_000,
  silenceMs: 45_000,
  retryMs: 2_000,
  farewellMs: 1_000,
}

/** Why the server ends a WebSocket, beside the codes of the protocol: 1003 for binary messages, 1007 for text that is not UTF-8, 1009 for messages too long. */
export const closeCodes = {
  /** The server closes: connect again. */
  goingAway: 1001,
  binary: 1003,
  /** The key may not do what this connection is for. */
  denied: 4403,
  /** Nothing heard for `silenceMs`. */
  silent: 4408,
  /** More messages than `messagesPerSecondMax`. */
  tooMany: 4429,
} as const
