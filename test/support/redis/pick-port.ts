import { randomInt } from 'node:crypto'

/**
 * A port of 127.0.0.1 that is probably free; whoever finds it taken picks another.
 *
 * Below the ports from which the system serves outgoing connections: a client that calls such a port while its server
 * is down may be given that very port as its own, and then has connected to itself. The bus of a cluster node listens
 * 10,000 above its port, and must stay below them too.
 */
export const pickPort = (): number => randomInt(12_000, 22_000)

export const PORT_PICKS_MAX = 20
