import type { OperationName } from '../core/client/client.ts'

/**
 * Where each operation stands in HTTP: the table of `core/client` without its schemas, which would bring zod into every page.
 * A test holds both to each other.
 */
export const routes = {
  listActors: 'GET /actors',
  tallyActors: 'GET /actors-tally',
  startActor: 'POST /actors',
  snapshot: 'GET /actors/{address}',
  sendEvent: 'POST /actors/{address}/events',
  askActor: 'POST /actors/{address}/ask',
  result: 'GET /actors/{address}/result',
  listEvents: 'GET /actors/{address}/events',
  history: 'GET /actors/{address}/history',
  forkActor: 'POST /actors/{address}/fork',
  pauseActor: 'POST /actors/{address}/pause',
  resumeActor: 'POST /actors/{address}/resume',
  cancelActor: 'POST /actors/{address}/cancel',
  stopActor: 'POST /actors/{address}/stop',
  bulk: 'POST /actors-bulk',
  pending: 'GET /pending',
  timeline: 'GET /runs/{address}/timeline',
  listApprovals: 'GET /approvals',
  decide: 'POST /approvals/{id}/decision',
  listDeadLetters: 'GET /dead-letters',
  deadLetter: 'GET /dead-letters/{id}',
  replayDeadLetter: 'POST /dead-letters/{id}/replay',
  discardDeadLetter: 'POST /dead-letters/{id}/discard',
  listMachines: 'GET /machines',
  machine: 'GET /machines/{name}',
  fleet: 'GET /machines/{name}/fleet',
  listAgents: 'GET /agents',
  listPatterns: 'GET /patterns',
  health: 'GET /health',
  cluster: 'GET /cluster',
  queues: 'GET /queues',
  workers: 'GET /workers',
  stuck: 'GET /stuck',
  whoAmI: 'GET /me',
  createWebhook: 'POST /webhooks',
  listWebhooks: 'GET /webhooks',
  webhook: 'GET /webhooks/{id}',
  updateWebhook: 'PATCH /webhooks/{id}',
  deleteWebhook: 'DELETE /webhooks/{id}',
  listDeliveries: 'GET /webhooks/{id}/deliveries',
  redeliver: 'POST /webhooks/{id}/deliveries/{delivery}/replay',
  testWebhook: 'POST /webhooks/{id}/test',
  watch: 'GET /actors/{address}/live',
  follow: 'GET /live',
  listGuests: 'GET /guests',
  guest: 'GET /guests/{id}',
  reportGuest: 'POST /guests',
  followGuests: 'GET /guests-live',
} as const satisfies Readonly<Record<OperationName, string>>

/** Those that are streams. */
export const streamNames: readonly OperationName[] = ['watch', 'follow', 'followGuests']
