/** Machines of Troupe's own, such as the one that delivers webhooks: not what people look for. */
export const isSystemMachine = (name: string): boolean => name.startsWith('troupe.')
