import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { TroupeError } from 'troupe'
import type { AskPerson, Outcome } from './crew.ts'
import type { Options } from './options.ts'
import { Team } from './team.ts'
import { sharesOf } from './team-screen.ts'
import type { TeamScreen, TeamView } from './team-screen.ts'
import type { Fact, Order } from './worker.ts'

/** A speaker that has said nothing for so long, in milliseconds, may be frozen: another one is asked. */
const SILENCE_MS = 2_000
/** Time to close for the workers, in milliseconds. */
const CLOSE_MS = 10_000

/**
 * Reviews a folder by several processes over one store. This one starts them, shows what they tell and does nothing else, so
 * each of them may be killed. None is started again: whoever kills one wants to see the others go on.
 */
export async function reviewByWorkers(options: Options, screen: TeamScreen, askPerson: AskPerson | undefined, signal: AbortSignal): Promise<Outcome> {
  const workers = new Workers(options, screen, askPerson, signal)
  const interrupt = (): void => workers.interrupt(signal.reason)
  signal.addEventListener('abort', interrupt)
  try {
    return await workers.outcome
  } finally {
    signal.removeEventListener('abort', interrupt)
    await workers.close()
  }
}

/** The worker processes, from when they are started to when all have ended. */
class Workers {
  readonly #processes = new Map<number, ChildProcess>()
  /** Those whose runtime is open. */
  readonly #ready = new Set<number>()
  readonly #team = new Team()
  readonly #screen: TeamScreen
  readonly #askPerson: AskPerson | undefined
  readonly #signal: AbortSignal
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #troubles = new Set<string>()
  readonly #watchdog: NodeJS.Timeout
  #view: Pick<TeamView, 'progress' | 'reviewed'> = { progress: undefined, reviewed: {} }
  /** Of the review, once it has begun. */
  #key: string | undefined
  #fresh: boolean
  #speaker: number | undefined
  #heardAt = performance.now()
  #refusal: TroupeError | undefined
  #isClosing = false
  #isAsking = false
  #gone: () => void = () => undefined

  constructor(options: Options, screen: TeamScreen, askPerson: AskPerson | undefined, signal: AbortSignal) {
    this.#screen = screen
    this.#askPerson = askPerson
    this.#signal = signal
    this.#fresh = options.fresh
    for (let n = 0; n < options.workers; n++) this.#start(options)
    this.#show()
    this.#watchdog = setInterval(() => this.#listen(), SILENCE_MS / 2)
  }

  get outcome(): Promise<Outcome> {
    return this.#outcome.promise
  }

  interrupt(by: unknown): void {
    const { progress } = this.#view
    this.#outcome.resolve(progress ? { type: 'interrupted', by, progress } : { type: 'stuck', problem: 'it was stopped before it had begun' })
  }

  /** Lets all end what they are at. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#watchdog)
    if (this.#view.progress) this.#screen.note(`Files reviewed by ${sharesOf({ ...this.#view, workers: this.#team.views })}`)
    if (this.#processes.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gone = resolve
    for (const pid of this.#processes.keys()) this.#tell(pid, { type: 'close' })
    const late = setTimeout(() => this.#processes.forEach(child => child.kill('SIGKILL')), CLOSE_MS)
    await promise.finally(() => clearTimeout(late))
  }

  #start(options: Options): void {
    const child = fork(new URL('./worker.ts', import.meta.url), [JSON.stringify(options)])
    const { pid } = child
    child.once('error', error => this.#outcome.reject(error))
    if (pid === undefined) return
    this.#processes.set(pid, child)
    this.#team.add(pid)
    child.on('message', (fact: Fact) => this.#hear(pid, fact))
    child.once('exit', (_, signal) => this.#ended(pid, signal))
  }

  #tell(pid: number, order: Order): void {
    // To a worker that has just died nothing can be told: its end is heard of next.
    this.#processes.get(pid)?.send(order, () => undefined)
  }

  #hear(pid: number, fact: Fact): void {
    if (pid === this.#speaker) this.#heardAt = performance.now()
    switch (fact.type) {
      case 'ready':
        this.#ready.add(pid)
        if (this.#speaker === undefined) this.#nameSpeaker()
        return
      case 'begun':
        this.#key = fact.key
        return
      case 'progress':
        this.#view = fact
        break
      case 'owners':
        for (const line of this.#team.see(fact.owners)) this.#screen.note(line)
        break
      case 'over':
        return void this.#end(fact.outcome)
      case 'trouble':
        return this.#tellTrouble(`${this.#team.nameOf(pid)}: ${fact.message}`)
      case 'refused':
        this.#refusal = new TroupeError(fact.code, fact.message)
        if (this.#ready.size > 0) this.#tellTrouble(`${this.#team.nameOf(pid)}: ${fact.message}`)
        return this.#tell(pid, { type: 'close' })
    }
    this.#show()
  }

  /** What the review has come to; where it has come to a question, that is put to the person first. */
  async #end(outcome: Outcome): Promise<void> {
    if (outcome.type !== 'asking' || !this.#askPerson) return this.#outcome.resolve(outcome)
    if (this.#isAsking) return
    this.#isAsking = true
    this.#screen.end()
    const approve = await this.#askPerson(outcome.question, this.#signal)
    this.#isAsking = false
    if (approve === undefined) return this.#outcome.resolve(outcome)
    if (this.#speaker !== undefined && this.#key !== undefined) this.#tell(this.#speaker, { type: 'decide', key: this.#key, question: outcome.question, approve })
  }

  #show(): void {
    if (this.#isAsking) return
    this.#screen.show({ ...this.#view, workers: this.#team.views, map: this.#team.map })
  }

  /** Each once: what a store does not do, it does not do every second. */
  #tellTrouble(line: string): void {
    if (!this.#isClosing && !this.#troubles.has(line)) this.#screen.note(line)
    this.#troubles.add(line)
  }

  #ended(pid: number, signal: NodeJS.Signals | null): void {
    this.#processes.delete(pid)
    const wasReady = this.#ready.delete(pid)
    if (this.#processes.size === 0) this.#gone()
    if (this.#isClosing) return
    const line = this.#team.ended(pid, signal)
    if (wasReady || signal !== null) this.#screen.note(line)
    if (this.#processes.size === 0) {
      if (this.#refusal && this.#key === undefined) this.#outcome.reject(this.#refusal)
      else this.#outcome.resolve({ type: 'stuck', problem: 'no worker is left' })
    }
    if (pid === this.#speaker) this.#speaker = undefined
    if (this.#speaker === undefined) this.#nameSpeaker()
  }

  #listen(): void {
    if (this.#speaker !== undefined && !this.#isAsking && performance.now() - this.#heardAt > SILENCE_MS) this.#nameSpeaker()
  }

  /** Another one than before, if there is one; the first when all are ready, so that they share the work from its beginning. */
  #nameSpeaker(): void {
    if (this.#ready.size < this.#processes.size) return
    const other = [...this.#ready].find(pid => pid !== this.#speaker)
    if (other === undefined) return
    this.#speaker = other
    this.#heardAt = performance.now()
    this.#tell(other, this.#key === undefined ? { type: 'begin', fresh: this.#fresh } : { type: 'speak', key: this.#key })
  }
}
