import { test } from 'vitest'
import type { Fleet } from '../support/fleet/fleet.ts'
import { TRIAL_MS_MAX, times, underFire } from '../support/fleet/trial.ts'
import { waitUntil } from '../support/processes.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { startProxy } from '../support/redis/tcp-proxy.ts'
import type { TcpProxy } from '../support/redis/tcp-proxy.ts'

const REDIS_KILLS = times(60)
const LINK_CUTS = times(60)
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

const cuts: Readonly<Record<string, (link: TcpProxy, leaseTtlMs: number) => Promise<void>>> = {
  'connections reset': async link => link.reset(),
  'cut after the write': async (link) => {
    const { cutAfterWrite } = link.counts.hits
    link.cutAfterWrite('EVALSHA')
    await waitUntil('an answer was cut off', () => link.counts.hits.cutAfterWrite > cutAfterWrite)
  },
  'black hole beyond the lease': async (link, leaseTtlMs) => {
    link.blackhole(true)
    await pause(1.5 * leaseTtlMs)
    link.blackhole(false)
  },
  'away for half a lease': async (link, leaseTtlMs) => {
    await link.refuse(true)
    link.reset()
    await pause(leaseTtlMs / 2)
    await link.refuse(false)
  },
}

/** Connections that waited for an answer, and pieces that were swallowed. */
const hitsOf = ({ counts: { hits } }: TcpProxy): number => hits.reset + hits.blackhole + hits.cutAfterWrite

/** Cuts the link of one worker. */
async function cutLink(fleet: Fleet, links: readonly TcpProxy[], cut: number): Promise<void> {
  const slot = fleet.below(links.length)
  const link = links[slot] as TcpProxy
  const [how, strike] = Object.entries(cuts)[cut % Object.keys(cuts).length] as [string, (typeof cuts)[string]]
  const before = hitsOf(link)
  await strike(link, fleet.leaseTtlMs)
  fleet.note('cutLink', `${how}, worker ${slot}`, hitsOf(link) - before)
}

test(`${REDIS_KILLS} kills of Redis and ${LINK_CUTS} cut links lose nothing that was accepted, and double nothing`, { timeout: TRIAL_MS_MAX }, async () => {
  await using redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
  await using one = await startProxy({ port: redis.port })
  await using other = await startProxy({ port: redis.port })
  const links = [one, other]
  const trial = { name: 'outages', url: redis.url, links: links.map(({ port }) => `redis://127.0.0.1:${port}`), durability: 'power-loss', serverOf: async () => redis, happened: ['takeovers', 'duplicates'] } as const
  await underFire(trial, async (fleet) => {
    for (let kill = 0; kill < REDIS_KILLS; kill++) {
      await fleet.strike('killRedis', 'SIGKILL', () => redis.kill('SIGKILL'))
      await redis.restart()
      await fleet.goesOn(100)
    }
    fleet.tell('Redis has been killed')
    for (let cut = 0; cut < LINK_CUTS; cut++) {
      await cutLink(fleet, links, cut)
      await fleet.goesOn(100)
    }
  })
})
