import { once } from 'node:events'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { toErrorInfo } from '../../core/errors.ts'
import type { ErrorInfo } from '../../core/errors.ts'
import type { HostOptions } from './host.ts'

/** What the process that runs the machines tells the one that watches. */
export type Fact = { readonly fact: 'file'; readonly path: string } | { readonly fact: 'ready'; readonly url: string; readonly store: string; readonly machines: readonly string[] } | { readonly fact: 'failed'; readonly error: ErrorInfo }

const tell = (fact: Fact): void => void process.send?.(fact)

// Every module of the project is told of before it is read, so that a broken one is watched too.
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:') && !url.includes('/node_modules/')) tell({ fact: 'file', path: fileURLToPath(url) })
    return next(url, context)
  },
})

const end = new AbortController()
// Ctrl-c goes to all processes of the terminal: the one that watches decides.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => end.abort())
process.on('disconnect', () => end.abort())

try {
  const { host } = await import('./host.ts')
  const { url, store, machines, close } = await host(JSON.parse(process.argv[2] ?? '{}') as HostOptions)
  tell({ fact: 'ready', url, store, machines })
  if (!end.signal.aborted) await once(end.signal, 'abort')
  await close()
} catch (error) {
  tell({ fact: 'failed', error: toErrorInfo(error) })
  process.exitCode = 1
}
if (process.connected) process.disconnect()
