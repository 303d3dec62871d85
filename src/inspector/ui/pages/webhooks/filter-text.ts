import type { OutputOf } from '../../../protocol.ts'

type Filter = OutputOf<'webhook'>['filter']

/** Which steps a webhook hears of, in words. */
export function filterText({ machine, run, address, kinds, events, ended }: Filter): string {
  const conditions = [
    machine && `of ${machine}`, address && `of ${address}`, run && `of the run ${run}`, kinds?.length && `of kind ${kinds.join(' or ')}`,
    events?.length && `with ${events.join(' or ')}`, ended && 'that end or fail an actor',
  ].filter(Boolean)
  return ['steps', ...(conditions.length > 0 ? conditions : ['of every actor'])].join(' ')
}
