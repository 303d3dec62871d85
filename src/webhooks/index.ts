export { verifyWebhook } from './signature.ts'
export type { VerifyOptions } from './signature.ts'
export type { WebhookEvent } from './event.ts'
