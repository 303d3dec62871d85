import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { fork } from './fork.ts'
import { show } from './show.ts'

/** Nothing runs again: a past state is a read, and going on from it is a new actor. */
export const replay: Run<{ readonly from?: number; readonly mode?: string; readonly as?: string }> = async call => {
  const { from, mode = 'freeze', as } = call.options
  if (from === undefined) throw new TroupeError('usage/invalid', 'name the step: --from 3 (`troupe history ADDRESS` shows them)')
  if (mode === 'live') return fork({ ...call, options: { at: from, ...(as !== undefined && { as }) } })
  if (as !== undefined) throw new TroupeError('usage/invalid', '--as is for --mode live: freeze makes no actor')
  return show({ ...call, options: { at: from } })
}
