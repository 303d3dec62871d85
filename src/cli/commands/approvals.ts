import { userInfo } from 'node:os'
import type { Client, OutputOf } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { ago, until } from '../output/format.ts'

type Approval = OutputOf<'listApprovals'>['approvals'][number]

export const approvals: Run<{ readonly run?: string; readonly limit?: number }> = async ({ options: { run, limit = 50 }, out, signal, client: connect }) => {
  const client = await connect()
  const page = await client.listApprovals({ limit, ...(run !== undefined && { run }) }, { signal })
  out.answer(page, () => {
    if (page.approvals.length === 0) return out.note('Nobody waits for a decision.')
    for (const { id, address, title, subject, approvers, votes, since, dueAt } of page.approvals) {
      out.line(out.paint('bold', title), '  ', out.paint('dim', `${address}, asked ${ago(since)}${dueAt === null ? '' : `, ends ${until(dueAt)}`}`))
      const shown = typeof subject === 'string' ? subject : JSON.stringify(subject)
      if (shown !== title) out.line('  ', shown)
      if (approvers.length > 0) out.line('  ', out.paint('dim', 'asked    '), approvers.join(', '))
      for (const { by, approve, reason } of votes) out.line('  ', out.paint('dim', 'voted    '), `${by}: ${approve ? 'yes' : 'no'}${reason === null ? '' : `, ${reason}`}`)
      out.line('  ', out.paint('dim', 'decide   '), `troupe approve '${id}'`)
    }
  })
}

interface Options {
  readonly reason?: string
  readonly by?: string
  readonly revision?: string
}

/** What was refused did not count: exit code 1. */
export const decide = (approve: boolean): Run<Options> => async ({ args: [given = ''], options: { reason, by, revision }, out, signal, client: connect }) => {
  const client = await connect()
  const approval = await find(client, given, signal)
  const { name } = await client.whoAmI({}, { signal })
  const decider = by ?? (name === null ? userInfo().username : undefined)
  const decision = await client.decide({ id: approval.id, approve, revision: revision ?? approval.revision, ...(reason !== undefined && { reason }), ...(decider !== undefined && { by: decider }) }, { signal })
  out.answer({ id: approval.id, ...decision }, () => {
    if (decision.accepted) out.line(approve ? out.paint('green', 'Approved') : out.paint('yellow', 'Rejected'), ': ', out.paint('bold', approval.title), ` (${approval.address})`)
    else out.note('It did not count: ', decision.refused ?? 'refused')
  })
  return decision.accepted ? undefined : 1
}

const PAGE = 500

async function find(client: Client, given: string, signal: AbortSignal): Promise<Approval> {
  const found: Approval[] = []
  let cursor: string | undefined
  do {
    const page = await client.listApprovals({ limit: PAGE, ...(cursor !== undefined && { cursor }) }, { signal })
    found.push(...page.approvals.filter(({ id, address }) => id === given || address === given))
    cursor = page.cursor
  } while (cursor !== undefined)
  const [first, second] = found
  if (!first) throw new TroupeError('approval/unknown', `nobody waits for a decision on '${given}'`)
  if (second) throw new TroupeError('usage/invalid', `${given} waits for ${found.length} decisions: name one by its id, ${found.map(({ id }) => `'${id}'`).join(' or ')}`)
  return first
}
