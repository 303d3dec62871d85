/** A request as a client has sent it. */
export interface ReadRequest {
  readonly bytes: Buffer
  /** Where it ends in the piece that has completed it. */
  readonly end: number
}

export interface RequestReader {
  /** The requests that this piece of the stream completes. */
  read(piece: Buffer): readonly ReadRequest[]
}

/** For protocols that we cannot read: what comes together is taken for one request. */
export const pieceReader: RequestReader = { read: bytes => [{ bytes, end: bytes.length }] }

/** Finds the requests in a stream of RESP, however it is cut into pieces. */
export class RespReader implements RequestReader {
  #partial = Buffer.alloc(0)

  read(piece: Buffer): readonly ReadRequest[] {
    const before = this.#partial.length
    const stream = Buffer.concat([this.#partial, piece])
    const requests: ReadRequest[] = []
    let from = 0
    for (let end = endOfRequest(stream, from); end !== undefined; end = endOfRequest(stream, from)) {
      requests.push({ bytes: stream.subarray(from, end), end: end - before })
      from = end
    }
    this.#partial = stream.subarray(from)
    return requests
  }
}

/** A request is `*` and the count of its arguments, each `$` and its length; anything else is a line of words. */
function endOfRequest(stream: Buffer, from: number): number | undefined {
  const head = readLine(stream, from)
  if (head === undefined || !head.text.startsWith('*')) return head?.end
  let at = head.end
  for (let left = Number(head.text.slice(1)); left > 0; left--) {
    const size = readLine(stream, at)
    if (size === undefined) return undefined
    at = size.end + Number(size.text.slice(1)) + '\r\n'.length
  }
  return at <= stream.length ? at : undefined
}

function readLine(stream: Buffer, from: number): { readonly text: string; readonly end: number } | undefined {
  const end = stream.indexOf('\r\n', from)
  return end < 0 ? undefined : { text: stream.toString('latin1', from, end), end: end + '\r\n'.length }
}
