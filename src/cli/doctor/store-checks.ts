import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { TroupeError } from '../../core/errors.ts'
import type { Place } from '../command.ts'
import { findConfig, loadConfig } from '../config.ts'
import { bytes, counted } from '../output/format.ts'
import type { Finding } from './doctor.ts'

const DISK_BYTES_MIN = 1 << 30
const SKEW_MS_MAX = 1_000

/** The config, and the store that it or the command line names. */
export async function checkStore(place: Place): Promise<readonly Finding[]> {
  const [config, ...findings] = await checkConfig(place)
  const url = place.store ?? config
  if (url === undefined) return [...findings, { check: 'store', verdict: 'ok', found: 'none is named; `troupe dev` keeps one in .troupe' }]
  try {
    if (url.startsWith('sqlite:')) return [...findings, ...(await checkSqlite(url))]
    if (/^rediss?:/.test(url)) return [...findings, ...(await checkRedis(url))]
    return [...findings, url.startsWith('memory:') ? { check: 'store', verdict: 'warn', found: 'memory:', advice: 'Nothing survives this process: use sqlite:./data/app.db or redis://host.' } : fault('store', new TroupeError('config/invalid', `store '${url}' is not known: use sqlite:./path/app.db, redis://host:port or memory:`))]
  } catch (error) {
    return [...findings, fault('store', error)]
  }
}

const fault = (check: string, error: unknown): Finding => ({ check, verdict: 'fail', found: (error as Error).message, advice: error instanceof TroupeError ? error.remedy : 'See the message.' })

/** Its store first, then what was found. */
async function checkConfig({ config }: Place): Promise<readonly [string | undefined, ...Finding[]]> {
  const path = findConfig(config)
  if (path === undefined) return [undefined, { check: 'config', verdict: 'warn', found: 'none in this folder', advice: 'Make a project with `troupe init`, or name a module with --config.' }]
  try {
    const { machines, store } = await loadConfig(config)
    return [store, { check: 'config', verdict: 'ok', found: `${path}: ${Object.keys(machines).join(', ') || 'no machines'}` }]
  } catch (error) {
    return [undefined, fault('config', error)]
  }
}

async function checkSqlite(url: string): Promise<readonly Finding[]> {
  const path = resolve(/^sqlite:([^?]*)/.exec(url)?.[1] ?? '')
  let folder = dirname(path)
  while (!existsSync(folder)) folder = dirname(folder)
  accessSync(folder, constants.W_OK)
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const disk: Finding = free >= DISK_BYTES_MIN
    ? { check: 'disk', verdict: 'ok', found: `${bytes(free)} free` }
    : { check: 'disk', verdict: 'warn', found: `${bytes(free)} free`, advice: 'Make room, or bound the store with limits.storeBytesMax and retention.' }
  if (!existsSync(path)) return [{ check: 'store', verdict: 'ok', found: `${path} will be made` }, disk]
  const { openStore } = await import('../../open-store.ts')
  const { store, close } = await openStore(url)
  const owners = new Set((await store.leases()).flatMap(({ node }) => (node === null ? [] : [node]))).size
  await close()
  const synchronous = /[?&]synchronous=NORMAL/i.test(url)
  return [
    { check: 'store', verdict: 'ok', found: `${path}, ${bytes(statSync(path).size)}, ${counted(store.partitions, 'partition')}, ${owners === 0 ? 'nobody runs it' : `run by ${counted(owners, 'process', 'processes')}`}` },
    synchronous ? { check: 'durability', verdict: 'warn', found: 'synchronous=NORMAL', advice: 'A power loss may take the last commits: leave it out where that matters.' } : { check: 'durability', verdict: 'ok', found: 'synchronous=FULL: what was accepted survives a power loss' },
    disk,
  ]
}

async function checkRedis(url: string): Promise<readonly Finding[]> {
  const { inspectRedis } = await import('../../stores/redis/inspect-server.ts')
  const { version, durability, appendonly, appendfsync, memoryBytesMax, skewMs, fault: refusal } = await inspectRedis(url)
  const aof = appendonly ? `appendonly yes, appendfsync ${appendfsync ?? 'not told'}` : 'appendonly no'
  return [
    refusal ? fault('store', refusal) : { check: 'store', verdict: 'ok', found: `Redis ${version}, evicts nothing` },
    !appendonly
      ? { check: 'durability', verdict: 'warn', found: `${aof}; asked for is ${durability}`, advice: 'A restart of Redis loses what came after its last snapshot: set appendonly yes, and appendfsync always with ?durability=power-loss.' }
      : { check: 'durability', verdict: 'ok', found: `${aof}; asked for is ${durability}` },
    memoryBytesMax === 0
      ? { check: 'memory', verdict: 'warn', found: 'no maxmemory', advice: 'Set maxmemory below what the machine has: Troupe then refuses new work in time, the kernel would kill Redis.' }
      : { check: 'memory', verdict: 'ok', found: `maxmemory ${bytes(memoryBytesMax)}` },
    skew('Redis', skewMs),
  ]
}

/** Timers are times of the nodes' clocks; leases are of Redis' own. */
export const skew = (whose: string, skewMs: number): Finding =>
  Math.abs(skewMs) <= SKEW_MS_MAX
    ? { check: 'time skew', verdict: 'ok', found: `${whose} and this machine differ by ${Math.round(Math.abs(skewMs))} ms` }
    : { check: 'time skew', verdict: 'warn', found: `the clock of ${whose} is ${Math.round(Math.abs(skewMs))} ms ${skewMs > 0 ? 'ahead' : 'behind'}`, advice: 'Keep all clocks by NTP: timers are due by the clock of the node that has them.' }
