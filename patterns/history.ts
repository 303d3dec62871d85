import type { Message } from '../machines/agent/index.ts'
import { whyUnfit } from '../machines/storable.ts'

/**
 * What an agent that is handed the control knows of the conversation: all of it, the user's last message, nothing but why
 * it was handed over, so many of the last messages, or what a pure function makes of it.
 */
export type History = 'full' | 'last' | 'none' | { readonly window: number } | ((messages: readonly Message[]) => readonly Message[])

/** What is passed on, or why a function has failed to say it. */
export function passOn(messages: readonly Message[], history: History): readonly Message[] | string {
  if (history === 'full') return messages
  if (history === 'none') return []
  if (typeof history === 'function') return chosenBy(history, messages)
  if (history === 'last') return messages.filter(({ role }) => role === 'user').slice(-1)
  // Models refuse the result of a call that they do not see.
  const window = messages.slice(-history.window)
  return window.slice(Math.max(0, window.findIndex(({ role }) => role !== 'tool')))
}

function chosenBy(choose: (messages: readonly Message[]) => readonly Message[], messages: readonly Message[]): readonly Message[] | string {
  try {
    const chosen = choose(messages)
    return whyUnfit(chosen, 'history') ?? chosen
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
