import { styleText } from 'node:util'
import type { ActorHandle, Runtime } from 'troupe'
import type { AgentMachine, Message, OpenCall } from 'troupe/agents'
import type { createDesk } from './desk.ts'

type Machines = Awaited<ReturnType<typeof createDesk>>

/** Asks a person for a line; undefined when there is nobody any more. */
export type Ask = (label: string) => Promise<string | undefined>

const NAME_WIDTH = 9
const FOREVER_MS = 2 ** 31 - 1

/**
 * Tells what is said at a desk, and asks whenever somebody has to agree. Whoever gets control is given the conversation so
 * far, so the messages of the one who has it are the whole of it, and how many were told is all there is to remember.
 */
export class Conversation {
  readonly #runtime: Runtime<Machines>
  readonly #customer: string
  readonly #ask: Ask
  #told = 0

  constructor(runtime: Runtime<Machines>, customer: string, ask: Ask) {
    this.#runtime = runtime
    this.#customer = customer
    this.#ask = ask
  }

  get #desk(): ActorHandle<Machines['desk']> {
    return this.#runtime.actor('desk', this.#customer)
  }

  /** Tells what was said before. */
  async recall(): Promise<void> {
    await this.#catchUp(true)
  }

  /** Hands in the customer's words. */
  async say(content: string): Promise<void> {
    await this.#desk.ask({ type: 'user.message', content })
  }

  /** Tells what is said until it is the customer's turn; false when somebody has to agree and nobody is there. */
  async hear(): Promise<boolean> {
    const isOver = ({ context: { queue, turn } }: Awaited<ReturnType<ActorHandle<Machines['desk']>['snapshot']>>): boolean => queue.length === 0 && turn?.outcome !== null
    for (let now = await this.#desk.snapshot(); !isOver(now);) {
      const { seat } = now.context
      const passed = new AbortController()
      const next = this.#desk.waitFor(later => isOver(later) || later.context.seat !== seat, { timeout: FOREVER_MS }).finally(() => passed.abort())
      next.catch(() => undefined)
      const session = await this.#session()
      if (session && !(await this.#follow(session, passed.signal))) return false
      now = await next
    }
    await this.#catchUp()
    const { turn } = (await this.#desk.snapshot()).context
    if (turn?.outcome && turn.outcome.status !== 'done') write('desk', `That went wrong: ${turn.outcome.reason}`, 'red')
    return true
  }

  async #catchUp(withCustomer = false): Promise<void> {
    const session = await this.#session()
    if (session) this.#tell((await session.snapshot()).context.messages, withCustomer)
  }

  /** Tells what one agent says while it has control. */
  async #follow(session: ActorHandle<AgentMachine>, signal: AbortSignal): Promise<boolean> {
    const { seq } = await session.snapshot()
    for await (const { snapshot } of session.watch({ from: seq - 1, signal })) {
      this.#tell(snapshot.context.messages)
      if (snapshot.value === 'awaitingApproval' && !(await this.#decide(session))) return false
    }
    return true
  }

  /** The session of whoever has control. */
  async #session(): Promise<ActorHandle<AgentMachine> | undefined> {
    const { active, seat } = (await this.#desk.snapshot()).context
    if (seat === null) return undefined
    const { actors } = await this.#runtime.actors({ run: this.#desk.address, machine: active, status: 'active' })
    const [session] = actors
    return session && (this.#runtime.at(session.address) as unknown as ActorHandle<AgentMachine>)
  }

  /** Puts the calls that wait to a person; false when there is none. */
  async #decide(session: ActorHandle<AgentMachine>): Promise<boolean> {
    const { calls, revision } = (await session.snapshot()).context
    for (const { id, tool, input } of calls.filter(({ state }: OpenCall) => state === 'awaiting')) {
      const verdict = await this.#verdictOn(nameOf(tool, input))
      if (!verdict) return false
      await session.ask({ type: 'approval.decide', callId: id, by: 'clerk', revision, ...verdict }, { until: 'reply' })
    }
    return true
  }

  async #verdictOn(what: string): Promise<{ readonly approve: boolean; readonly reason?: string } | undefined> {
    write('clerk', `${what}: do you agree? yes or no, and why`, 'yellow')
    for (;;) {
      const line = await this.#ask('clerk')
      if (line === undefined) return undefined
      const [, word = '', reason = ''] = /^\s*(y|yes|n|no)\b[\s,.:;]*(.*)$/i.exec(line) ?? []
      if (word !== '') return { approve: /^y/i.test(word), ...(reason !== '' && { reason }) }
      write('clerk', 'yes or no, please', 'yellow')
    }
  }

  #tell(messages: readonly Message[], withCustomer = false): void {
    messages.slice(this.#told).forEach((message, offset) => {
      const before = messages[this.#told + offset - 1]
      // After a handoff the one who got control is told so in the customer's place.
      const isHandedOver = before?.role === 'tool' && before.tool.startsWith('transfer_to_')
      if (message.role === 'user' && withCustomer && !isHandedOver && typeof message.content === 'string') write(this.#customer, message.content)
      if (message.role === 'assistant') tellAgent(message)
      if (message.role === 'tool' && message.isError) write('', (message.result as { readonly error: string }).error, 'gray')
    })
    this.#told = Math.max(this.#told, messages.length)
  }
}

function tellAgent({ agent = '', content, toolCalls }: Extract<Message, { role: 'assistant' }>): void {
  if (content !== '') write(agent, content, 'cyan')
  for (const { tool, input } of toolCalls) {
    const to = tool.replace(/^transfer_to_/, '')
    write(agent, to === tool ? `· ${nameOf(tool, input)}` : `→ ${to}: ${(input as { readonly reason?: string }).reason ?? ''}`, 'gray')
  }
}

const nameOf = (tool: string, input: unknown): string => [tool, ...Object.entries(input ?? {}).map(([name, value]) => `${name} "${value}"`)].join(' ')

export const label = (name: string): string => name.padEnd(NAME_WIDTH)

function write(name: string, text: string, color?: 'cyan' | 'gray' | 'red' | 'yellow'): void {
  const [first = '', ...more] = text.split('\n')
  const lines = [label(name) + first, ...more.map(line => label('') + line)]
  console.log(color === undefined ? lines.join('\n') : styleText(color, lines.join('\n')))
}
