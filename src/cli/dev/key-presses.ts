import type { Output } from '../output/output.ts'

const CTRL_C = '\u0003'

/** Single keys of a person at the terminal; ctrl-c stays what it is. Gives back how to stop listening. */
export function keyPresses(out: Output, actions: Readonly<Record<string, () => void>>): () => void {
  const { stdin } = process
  if (!stdin.isTTY || out.json) return () => undefined
  const hear = (data: string): void => {
    if (data === CTRL_C) process.kill(process.pid, 'SIGINT')
    else actions[data]?.()
  }
  stdin.setRawMode(true).setEncoding('utf8').on('data', hear).resume()
  return () => {
    stdin.off('data', hear).pause()
    stdin.setRawMode(false)
  }
}
