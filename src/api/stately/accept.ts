import type { RawData } from 'ws'
import type { InputOf } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import { closeCodes } from '../live/limits.ts'
import type { LiveLimits } from '../live/limits.ts'
import type { Place } from '../live/live.ts'
import { Pulse } from '../live/pulse.ts'
import { sendText } from '../live/send-text.ts'
import { problemOf } from '../problem.ts'
import { parseStrictJson } from '../strict-json.ts'

type Message = InputOf<'reportGuest'>['message']

/**
 * `/stately`: takes what `createWebSocketInspector({ url: 'ws://127.0.0.1:4747/stately?source=shop' })` of `@statelyai/inspect` sends, so that
 * a plain XState app is seen among the guests. `source` names the app; without it each connection is one of its own.
 */
export function acceptStately(limits: LiveLimits): Place['serve'] {
  let apps = 0
  return (socket, { client }, { pathname, searchParams }) => {
    const source = searchParams.get('source') || `app-${++apps}`
    const pulse = new Pulse(socket, { ...limits, messagesBurstMax: limits.guestMessagesBurstMax, messagesPerSecondMax: limits.guestMessagesPerSecondMax }, () => undefined)
    const tell = async (data: Buffer): Promise<void> => {
      try {
        const message = parseStrictJson(new Uint8Array(data).buffer) as Message
        if (message === null) throw new TroupeError('request/invalid', 'null is no message of an inspector')
        await client.reportGuest({ source, message })
      } catch (error) {
        if (error instanceof TroupeError && error.code === 'access/denied') return socket.close(closeCodes.denied, 'the key may not report guests')
        await sendText(socket, JSON.stringify({ type: 'error', id: null, problem: problemOf(error, pathname, '') }), limits.waitingBytesMax)
      }
    }
    let told = Promise.resolve()
    socket.on('message', (data: RawData, isBinary) => {
      if (!pulse.count()) return
      if (isBinary) return socket.close(closeCodes.binary, 'send text')
      told = told.then(() => tell(data as Buffer))
    })
    // Refused where its messages were: then there is nobody to take leave of.
    socket.on('close', () => void told.then(() => client.reportGuest({ source, message: null })).catch(() => undefined))
  }
}
