import { z } from 'zod'
import { changes, reads } from './operation.ts'
import { address, approvalView, cursor, deadLetter, letterState, limit } from './views.ts'

/** What waits for people: approvals and dead letters. */

const text = z.string()
const letters = { read: reads('dead letters'), change: changes('dead letters') }
const approvals = { read: reads('approvals'), change: changes('approvals') }

export const peopleOperations = {
  listApprovals: approvals.read({ http: 'GET /approvals', summary: 'Decisions that somebody waits for', input: z.strictObject({ run: address.optional(), cursor: cursor.optional(), limit: limit.optional() }), output: z.object({ approvals: z.array(approvalView), cursor: cursor.optional() }) }),
  decide: approvals.change({
    http: 'POST /approvals/{id}/decision', summary: 'Approve or reject what was shown',
    input: z.strictObject({
      id: text, approve: z.boolean(), reason: z.string().max(10_000).optional(), revision: text,
      /** Who decides. A caller with a name of its own decides as that one and can name nobody else. */
      by: z.string().min(1).max(200).optional(),
    }),
    output: z.object({ accepted: z.boolean(), /** Why it did not count. */ refused: text.nullable() }),
  }),
  listDeadLetters: letters.read({ http: 'GET /dead-letters', summary: 'What could not be processed, oldest first', input: z.strictObject({ address: address.optional(), state: letterState.optional(), cursor: cursor.optional(), limit: limit.optional() }), output: z.object({ letters: z.array(deadLetter), cursor: cursor.optional() }) }),
  deadLetter: letters.read({ http: 'GET /dead-letters/{id}', summary: 'One dead letter', input: z.strictObject({ id: text }), output: deadLetter }),
  replayDeadLetter: letters.change({ http: 'POST /dead-letters/{id}/replay', summary: 'Handle it again, as it was or with another event in its place', input: z.strictObject({ id: text, event: z.looseObject({ type: text }).optional() }), output: deadLetter }),
  discardDeadLetter: letters.change({ http: 'POST /dead-letters/{id}/discard', summary: 'Give it up', input: z.strictObject({ id: text, reason: z.string().max(10_000).optional() }), output: deadLetter }),
}

