import { addressOf, parseAddress } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { WAITS_FOR_PEOPLE, approvalsOf } from '../../core/catalogue.ts'
import type { OpenApproval } from '../../core/catalogue.ts'
import type { GivenInput, Handlers, ShownOutput } from '../../core/client/handler.ts'
import type { Caller } from '../../core/client/operation.ts'
import { TroupeError } from '../../core/errors.ts'
import { pageSize } from '../../core/limits.ts'
import type { ActorRecord } from '../../core/store.ts'
import { askPlace } from '../ask-place.ts'
import { tagsOf } from '../xstate/tree.ts'
import type { ClientParts } from './parts.ts'
import { scan, unlessGone } from './scan.ts'
import { documentTree, toJson } from './views.ts'

/** How long a decision waits for its answer, in milliseconds: no longer than its step takes, unless the actor is paused. */
const DECIDE_MS = 30_000

type View = ShownOutput<'listApprovals'>['approvals'][number]

/** A decision that is waited for, and where. */
interface Place {
  readonly id: ActorId
  readonly path: string
  readonly open: OpenApproval
}

/** What machines say to a decision. */
interface Answer {
  readonly accepted?: boolean
  readonly refused?: string
  readonly reason?: string
}

export function approvalHandlers(parts: ClientParts) {
  const { reader, env } = parts

  /** All decisions that an actor waits for, wherever in its tree. */
  const openIn = async (id: ActorId): Promise<readonly (Place & { readonly view: View })[]> => {
    const { record, document } = await reader.document(id)
    if (record.status !== 'active' && record.status !== 'paused') return []
    return documentTree(parts, id, document).flatMap(part => {
      const { path, logic, snapshot } = part
      if (!logic || snapshot.status !== 'active' || !tagsOf([part]).includes(WAITS_FOR_PEOPLE)) return []
      const due = Object.values(document.timers).filter(({ source }) => source === path).map(({ dueAt }) => dueAt)
      return approvalsAt(logic, snapshot.context).map(open => {
        const { title, subject, revision, approvers, level = 0, votes = [] } = open
        const view: View = {
          id: idOf({ id, path, open }), address: addressOf(id), run: addressOf(record.run), path, subject: toJson(subject), title, revision, approvers, level, votes,
          since: record.updatedAt, dueAt: due.length === 0 ? null : Math.min(...due),
        }
        return { id, path, open, view }
      })
    })
  }
  /** What a machine says of itself must not hide what others say. */
  const approvalsAt = (...[logic, context]: Parameters<typeof approvalsOf>): readonly OpenApproval[] => {
    try {
      return approvalsOf(logic, context)
    } catch (error) {
      env.report(error)
      return []
    }
  }
  const find = async (id: string): Promise<Place | undefined> => {
    const actor = actorIn(id)
    return actor && (await unlessGone(openIn(actor)))?.find(place => place.view.id === id)
  }

  return {
    listApprovals: async ({ run, cursor: from, limit }) => {
      const approvals: View[] = []
      const look = async ({ id }: ActorRecord): Promise<readonly View[]> => {
        const open = (await openIn(id)).map(({ view }) => view)
        approvals.push(...open)
        return open
      }
      const cursor = await scan(parts, { tag: WAITS_FOR_PEOPLE, ...(run !== undefined && { run }) }, pageSize(limit), from, look)
      return { approvals, ...(cursor !== undefined && { cursor }) }
    },
    decide: async (decision, { caller }) => {
      const by = decider(decision, caller)
      const place = await find(decision.id)
      if (!place) throw new TroupeError('approval/unknown', 'nobody waits for this decision (any more)', { details: { id: decision.id } })
      const { revision } = place.open
      if (decision.revision !== revision) return { accepted: false, refused: `the decision is about revision ${decision.revision}, asked is revision ${revision}` }
      const { approve, reason } = decision
      const event = { ...place.open.decision, type: 'approval.decide', approve, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) }
      const answer = (await askPlace(parts, place, event, DECIDE_MS)) as Answer | undefined
      if (answer?.accepted === true) return { accepted: true, refused: null }
      if (answer) return { accepted: false, refused: answer.refused ?? answer.reason ?? 'the actor does not say why' }
      // A machine that answers nothing has taken it if it waits no more.
      const still = await find(decision.id)
      return still?.open.revision === revision ? { accepted: false, refused: 'the actor has not acted upon it' } : { accepted: true, refused: null }
    },
  } satisfies Partial<Handlers>
}

/** Whose decision it is. Throws `access/denied` when somebody decides for another one. */
function decider({ by }: GivenInput<'decide'>, { name }: Caller): string | undefined {
  if (name === null) return by
  if (by !== undefined && by !== name) throw new TroupeError('access/denied', `${name} decides as ${name} and as nobody else`)
  return name
}

const idOf = ({ id, path, open }: Place): string => Buffer.from(JSON.stringify([addressOf(id), path, open.id])).toString('base64url')

/** The actor that an approval's id names; undefined for what is none. */
function actorIn(id: string): ActorId | undefined {
  try {
    return parseAddress((JSON.parse(Buffer.from(id, 'base64url').toString()) as readonly [string])[0])
  } catch {
    return undefined
  }
}
