import { useCall } from '../../data/use-call.ts'
import type { Approval } from './use-approvals.ts'

/** As many steps as are looked at for the change that made this revision. */
const STEPS_MAX = 1_000

/** What stood in the subject's place before it was last amended, where the asking actor is an approval itself; undefined where it never was. */
export function usePreviousSubject({ address, path, subject, revision }: Approval): Approval['subject'] | undefined {
  // The revision of a subject that was never amended begins with 0.
  const { data } = useCall('history', path === '' && !revision.startsWith('0-') ? { address, limit: STEPS_MAX, full: true } : null)
  const now = JSON.stringify(subject)
  const subjects = data?.steps.map(({ context }) => (context as { readonly subject?: Approval['subject'] } | undefined)?.subject)
  return subjects?.findLast(other => other !== undefined && JSON.stringify(other) !== now)
}
