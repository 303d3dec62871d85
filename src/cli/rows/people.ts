import type { CommandRow, OptionRow } from '../command.ts'
import { collect, oneOf, pageLimit } from '../input/numbers.ts'

const decide = (name: 'approve' | 'reject', summary: string): CommandRow => ({
  usage: `${name} <id>`, summary, use: 'change',
  options: [['--reason <text>', 'why'], ['--by <name>', 'who decides (default: whom the key names, else the user of this shell)'], ['--revision <revision>', 'only if it is still this one']],
  examples: [`troupe ${name} approval/release-7 --reason 'as discussed'`],
  load: async () => (await import('../commands/approvals.ts')).decide(name === 'approve'),
})
const LIMIT: OptionRow = ['--limit <count>', 'how many (default: 50)', pageLimit]

export const peopleRows: readonly CommandRow[] = [
  {
    usage: 'approvals', summary: 'Decisions that somebody waits for', use: 'read', options: [['--run <address>', 'of a run'], LIMIT],
    examples: ['troupe approvals'], load: async () => (await import('../commands/approvals.ts')).approvals,
  },
  decide('approve', 'Approve; by the id of the approval, or the address of an actor with only one'),
  decide('reject', 'Reject; by the id of the approval, or the address of an actor with only one'),
  {
    usage: 'dlq list', summary: 'Dead letters, oldest first', use: 'read',
    options: [['--address <address>', 'of an actor'], ['--state <state>', 'present (default), replayed, discarded', oneOf('present', 'replayed', 'discarded')], LIMIT],
    examples: ['troupe dlq list'], load: async () => (await import('../commands/dead-letters.ts')).list,
  },
  { usage: 'dlq show <id>', summary: 'One dead letter, with its cause', use: 'read', examples: ['troupe dlq show 7'], load: async () => (await import('../commands/dead-letters.ts')).show },
  {
    usage: 'dlq replay <id...>', summary: 'Handle them again, as they were or with another event', use: 'change', options: [['--event <json>', 'the event in its place: JSON, @file, or -']],
    examples: ['troupe dlq replay 7', 'troupe dlq replay 7 --event \'{"type":"PAY","cents":1200}\''], load: async () => (await import('../commands/dead-letters.ts')).replay,
  },
  { usage: 'dlq discard <id...>', summary: 'Give them up', use: 'change', options: [['--reason <text>', 'why']], examples: ['troupe dlq discard 7 --reason duplicate'], load: async () => (await import('../commands/dead-letters.ts')).discard },
  { usage: 'webhooks list', summary: 'Registered webhooks with their statistics', use: 'read', load: async () => (await import('../commands/webhooks.ts')).list },
  {
    usage: 'webhooks create <url>', summary: 'Register a webhook; its secret is shown this once', use: 'change',
    options: [['--machine <name>', 'steps of this machine'], ['--event <type>', 'this type of event (may be given again)', collect], ['--ended', 'only ends and failures'], ['--description <text>', 'what it is for'], ['--signature <kind>', 'hmac (default) or ed25519', oneOf('hmac', 'ed25519')]],
    examples: ['troupe webhooks create https://example.com/hook --machine order --ended'], load: async () => (await import('../commands/webhooks.ts')).create,
  },
  { usage: 'webhooks show <id>', summary: 'One webhook', use: 'read', load: async () => (await import('../commands/webhooks.ts')).show },
  { usage: 'webhooks remove <id>', summary: 'Remove a webhook', use: 'change', load: async () => (await import('../commands/webhooks.ts')).remove },
  { usage: 'webhooks deliveries <id>', summary: 'Its latest deliveries, newest first', use: 'read', options: [LIMIT], load: async () => (await import('../commands/webhooks.ts')).deliveries },
  { usage: 'webhooks replay <id> <delivery>', summary: 'Deliver once more', use: 'change', load: async () => (await import('../commands/webhooks.ts')).replay },
]
