/** Machines of Troupe itself begin so. Their actors are left out of lists, tallies and the live stream, unless they are asked for by name. */
export const SYSTEM_PREFIX = 'troupe.'

export const isSystemMachine = (name: string): boolean => name.startsWith(SYSTEM_PREFIX)
