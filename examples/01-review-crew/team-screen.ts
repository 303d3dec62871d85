import type { WriteStream } from 'node:tty'
import { Canvas } from './canvas.ts'
import { count } from './report.ts'
import type { WorkerView } from './team.ts'
import { PlainScreen } from './terminal.ts'
import type { Progress } from './terminal.ts'

/** A review and the workers that share it, at one moment. */
export interface TeamView {
  /** Undefined before the review has begun. */
  readonly progress: Progress | undefined
  readonly workers: readonly WorkerView[]
  /** Files that each process has reviewed. */
  readonly reviewed: Readonly<Record<number, number>>
  /** See `Team.map`. */
  readonly map: string
}

/** Where it is shown who does what. */
export interface TeamScreen {
  show(view: TeamView): void
  /** Something has happened that people want to read later too. */
  note(line: string): void
  /** Takes away what was only for the moment. */
  end(): void
}

export const createTeamScreen = (stream: WriteStream): TeamScreen => (stream.isTTY && process.env['TERM'] !== 'dumb' ? new LiveTeamScreen(stream) : new PlainTeamScreen(stream))

/** `worker 1: 12, worker 2 (killed): 7, earlier: 3` */
export function sharesOf({ workers, reviewed, progress }: Omit<TeamView, 'map'>): string {
  const shares = workers.map(({ name, pid, end }) => `${name}${end === null ? '' : ` (${end})`}: ${reviewed[pid] ?? 0}`)
  const takenOver = progress?.takenOver ?? 0
  return [...shares, ...(takenOver > 0 ? [`earlier: ${takenOver}`] : [])].join(', ')
}

/** Lines for logs and pipes: one for every tenth part, and what happens to the workers. */
class PlainTeamScreen implements TeamScreen {
  readonly #stream: WriteStream
  readonly #plain: PlainScreen

  constructor(stream: WriteStream) {
    this.#stream = stream
    this.#plain = new PlainScreen(stream)
  }

  show(view: TeamView): void {
    if (view.progress) this.#plain.show(view.progress, `; ${sharesOf(view)}`)
  }

  note(line: string): void {
    this.#stream.write(`  ${line}\n`)
  }

  end(): void {}
}

const REDRAW_MS = 80

/** A bar, a line for each worker and a map of the partitions, drawn again in place. */
class LiveTeamScreen implements TeamScreen {
  readonly #canvas: Canvas
  #drawnAt = -Infinity

  constructor(stream: WriteStream) {
    this.#canvas = new Canvas(stream)
  }

  show(view: TeamView): void {
    if (performance.now() - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = performance.now()
    const canvas = this.#canvas
    const { progress, workers, reviewed, map } = view
    const living = workers.filter(({ end }) => end === null)
    canvas.draw([
      canvas.cut(progress ? `Reviewing ${progress.folder}` : `Starting ${count(workers.length, 'worker')}`, 0),
      ...(progress ? [canvas.bar(progress)] : []),
      ...(progress && progress.stage !== null ? [`  ${canvas.paint('cyan', progress.stage)}`] : []),
      ...workers.map(({ name, pid, end, partitions }) => {
        const owns = end === null ? `owns ${count(partitions, 'partition')}` : end
        return `  ${canvas.paint(end === null ? 'cyan' : 'red', name)}  pid ${String(pid).padEnd(7)}  ${owns.padEnd(18)}  ${count(reviewed[pid] ?? 0, 'file')} reviewed`
      }),
      ...(map === '' ? [] : [canvas.cut(`  who owns which partition: ${map}`, 0)]),
      ...(living.length > 1 ? [canvas.paint('gray', `  try it: kill -9 ${living.at(-1)?.pid}`)] : []),
    ])
  }

  note(line: string): void {
    this.#canvas.note(line)
  }

  end(): void {
    this.#canvas.draw([])
  }
}
