import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { InboxMessage } from '../../core/store.ts'
import type { Argument } from './connection.ts'
import { blobHash } from './deployment.ts'
import type { Deployment } from './deployment.ts'
import { channels } from './keys.ts'

/** How long a call whose answer was lost is repeated, in milliseconds. */
const REPEAT_MS = 10_000
const REPEAT_PAUSE_MS = 20

/** One append, under the number it goes by. */
interface Call {
  sender: Sender
  number: number
}

/** A name under which calls are numbered from 1, and what is known of their answers. */
class Sender {
  readonly name = randomUUID()
  readonly #open = new Set<Call>()
  #last = 0
  #answered = 0

  take(call: Call): void {
    call.sender = this
    call.number = ++this.#last
    this.#open.add(call)
  }

  /** The store has counted a call, whatever it made of it. */
  settle(call: Call): void {
    this.#open.delete(call)
    this.#answered = Math.max(this.#answered, call.number)
  }

  /** All answers up to this number are here. */
  get heard(): number {
    const [oldest] = this.#open
    return oldest === undefined ? this.#last : oldest.number - 1
  }

  /** Whether a store that has this call as the last one has lost calls that it had answered. */
  isForgotten(last: number): boolean {
    return last < this.#answered
  }

  /** Calls that a store which has forgotten this sender can never count: those before them are not sent again. */
  get lost(): readonly Call[] {
    return [...this.#open].filter(({ number }) => number > this.#answered)
  }
}

/**
 * Appends of this handle to one partition. Each call has a number and Redis takes them in order, so a call whose answer was
 * lost is repeated until it is known to have counted, and counts once.
 */
export class AppendLane {
  readonly #deployment: Deployment
  readonly #partition: number
  #sender = new Sender()

  constructor(deployment: Deployment, partition: number) {
    this.#deployment = deployment
    this.#partition = partition
  }

  async append(messages: readonly InboxMessage[], depthMax: number): Promise<void> {
    const { connection, prefix, blobBytes, keysOf } = this.#deployment
    const keys = keysOf(this.#partition).inbox('senders')
    const contents = messages.flatMap(({ id, to, at, data }): Argument[] => [id, to, at, data, blobHash(data, blobBytes)])
    const call: Call = { sender: this.#sender, number: 0 }
    this.#sender.take(call)
    for (const until = performance.now() + REPEAT_MS; ; await sleep(REPEAT_PAUSE_MS)) {
      const { sender, number } = call
      const args = [sender.name, number, sender.heard, depthMax, channels.node(prefix), this.#partition, ...contents]
      const answer = (await connection.write('append', keys, args).catch((error: unknown) => error)) as TroupeError | readonly ['ok'] | readonly ['full', string, string, number] | readonly ['gap', number]
      if (answer instanceof TroupeError) {
        if (answer.code !== 'store/failed' || performance.now() >= until) throw this.#giveUp(call, answer)
      } else if (answer[0] !== 'gap') {
        sender.settle(call)
        if (answer[0] === 'ok') return
        throw full(answer, depthMax)
      } else if (!this.#isRenumbered(call, sender, answer[1]) && performance.now() >= until) {
        throw this.#giveUp(call, new TroupeError('store/failed', `${connection.name}: messages sent before these have not arrived for ${REPEAT_MS} ms`))
      }
    }
  }

  /** After a gap: an earlier call has not arrived yet, or never will. Then this one, which has not counted, goes under another name. */
  #isRenumbered(call: Call, sender: Sender, last: number): boolean {
    if (sender === this.#sender && sender.isForgotten(last)) {
      // By a failover, or after long silence. All of them at once: what is sent from now on is younger.
      this.#sender = new Sender()
      for (const lost of sender.lost) this.#sender.take(lost)
    }
    if (call.sender === sender && sender !== this.#sender) this.#sender.take(call)
    return call.sender !== sender
  }

  /** Without its number the calls behind it would wait for ever: they go on under another name. */
  #giveUp({ sender }: Call, failure: TroupeError): TroupeError {
    if (sender === this.#sender) this.#sender = new Sender()
    return failure
  }
}

function full([, to, depth, incoming]: readonly ['full', string, string, number], depthMax: number): TroupeError {
  const address = addressOf(to as ActorId)
  return new TroupeError('mailbox/full', `${address} has ${depth} events waiting and takes no ${incoming} more; the limit is ${depthMax}`, { address, details: { depth: Number(depth), limit: depthMax } })
}
