import { TroupeError } from './core/errors.ts'
import type { Store } from './core/store.ts'
import { createMemoryStore } from './stores/memory/memory-store.ts'
import { openRedisStore } from './stores/redis/redis-store.ts'
import { openSqliteStore } from './stores/sqlite/sqlite-store.ts'

/** Opens a store by its URL; one that is given is its giver's to close. Throws `config/invalid` and what the store throws. */
export async function openStore(given: string | Store): Promise<{ readonly store: Store; readonly close: () => Promise<void> }> {
  if (typeof given === 'object' && given !== null) {
    if (typeof (given as Partial<Store>).commit !== 'function') throw new TroupeError('config/invalid', "store is neither a URL such as 'sqlite:./path/app.db' nor a Store")
    return { store: given, close: () => Promise.resolve() }
  }
  const store = await openByUrl(String(given))
  return { store, close: () => store.close() }
}

async function openByUrl(url: string): Promise<Store> {
  const scheme = url.slice(0, url.indexOf(':') + 1)
  const rest = url.slice(scheme.length)
  if (scheme === 'memory:') return createMemoryStore()
  if (scheme === 'redis:' || scheme === 'rediss:') return openRedisStore(url)
  if (scheme !== 'sqlite:') throw new TroupeError('config/invalid', `store '${url}' is not known: use 'sqlite:./path/app.db', 'redis://host:port' or 'memory:'`)
  const [path = '', query = ''] = rest.split('?', 2)
  if (path === '') throw new TroupeError('config/invalid', `store '${url}' names no file: use 'sqlite:./path/app.db'`)
  const { synchronous = 'FULL', partitions, ...unknown } = Object.fromEntries(new URLSearchParams(query)) as Record<string, string>
  const stray = Object.keys(unknown)[0]
  if (stray !== undefined) throw new TroupeError('config/invalid', `store '${url}': option '${stray}' is not known; there are synchronous and partitions`)
  const mode = synchronous.toUpperCase()
  if (mode !== 'FULL' && mode !== 'NORMAL') throw new TroupeError('config/invalid', `store '${url}': synchronous must be FULL or NORMAL`)
  const count = partitions === undefined ? undefined : Number(partitions)
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= 1024)) throw new TroupeError('config/invalid', `store '${url}': partitions must be a whole number from 1 to 1024`)
  return openSqliteStore({ path, synchronous: mode, ...(count !== undefined && { partitions: count }) })
}
