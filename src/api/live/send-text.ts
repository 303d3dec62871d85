import type { WebSocket } from 'ws'

/** Sends a message; resolves once less than `waitingBytesMax` waits for the peer, or it is gone. */
export async function sendText(socket: WebSocket, text: string, waitingBytesMax: number): Promise<void> {
  if (socket.readyState !== socket.OPEN) return
  const written = Promise.withResolvers<undefined>()
  socket.send(text, () => written.resolve(undefined))
  if (socket.bufferedAmount > waitingBytesMax) await written.promise
}
