import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { waitingFor } from '../connect.ts'
import { keyPresses } from '../dev/key-presses.ts'
import type { Output } from '../output/output.ts'
import { Painter } from '../top/painter.ts'
import { look } from '../top/look.ts'
import type { Look } from '../top/look.ts'
import { frame, summary } from '../top/frame.ts'

const EVERY_MS = 1_000

export const top: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const end = new AbortController()
  signal.addEventListener('abort', () => end.abort())
  if (!out.isTerminal) return tellLines(client, out, end.signal, before => { if (out.json) out.item(before); else out.line(summary(before)) })
  const stopKeys = keyPresses(out, { q: () => end.abort() })
  const painter = new Painter(out)
  let latest: Look | undefined
  const draw = (): void => { if (latest) painter.draw(frame(out, latest)) }
  process.stdout.on('resize', draw)
  try {
    await tellLines(client, out, end.signal, seen => {
      latest = seen
      draw()
    })
  } finally {
    painter.close()
    stopKeys()
    process.stdout.off('resize', draw)
  }
  return 0
}

async function tellLines(client: Client, out: Output, signal: AbortSignal, tell: (seen: Look) => void): Promise<number> {
  let before: Look | undefined
  let isWaiting = false
  while (!signal.aborted) {
    try {
      before = await look(client, before, signal)
      isWaiting = false
      tell(before)
    } catch (error) {
      // One that was never there is an error.
      if (!before || !(error instanceof TroupeError) || error.code !== 'server/unreachable') throw error
      if (!isWaiting) out.note(waitingFor(String(error.details?.['url'])))
      isWaiting = true
    }
    // Called off: the loop ends.
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return 0
}
