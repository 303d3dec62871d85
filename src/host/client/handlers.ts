import type { Handlers } from '../../core/client/handler.ts'
import { actorHandlers } from './actors.ts'
import { approvalHandlers } from './approvals.ts'
import { bulkHandlers } from './bulk.ts'
import { catalogueHandlers } from './catalogue.ts'
import { eventHandlers } from './events.ts'
import { fleetHandlers } from './fleet.ts'
import { followHandlers } from './follow.ts'
import { historyHandlers } from './history.ts'
import { letterHandlers } from './letters.ts'
import type { ClientParts } from './parts.ts'
import { pendingHandlers } from './pending.ts'
import { systemHandlers } from './system.ts'
import { timelineHandlers } from './timeline.ts'

/** What this runtime answers by itself, one object per file. */
export const createHandlers = (parts: ClientParts): Partial<Handlers> => ({
  ...actorHandlers(parts),
  ...eventHandlers(parts),
  ...historyHandlers(parts),
  ...followHandlers(parts),
  ...timelineHandlers(parts),
  ...fleetHandlers(parts),
  ...letterHandlers(parts),
  ...approvalHandlers(parts),
  ...bulkHandlers(parts),
  ...pendingHandlers(parts),
  ...catalogueHandlers(parts),
  ...systemHandlers(parts),
})
