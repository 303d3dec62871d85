import { createServer } from 'node:net'
import { TroupeError } from '../../core/errors.ts'

const TRIED_MAX = 20

/** The first port from this one on that is free on the loopback interface. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + TRIED_MAX; port++) if (await isFree(port)) return port
  throw new TroupeError('config/invalid', `ports ${from} to ${from + TRIED_MAX - 1} are taken: name a free one with --port`)
}

const isFree = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)))
  })
