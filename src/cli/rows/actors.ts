import type { CommandRow, OptionRow } from '../command.ts'
import { collect, milliseconds, oneOf, pageLimit, wholeNumber } from '../input/numbers.ts'

const EVENT: OptionRow = ['--event <json>', 'the whole event: JSON, @file, or - for standard input']
const ONCE: OptionRow = ['--idempotency-key <key>', 'makes the same call twice one']
const FILTER: OptionRow = ['--filter <name=value>', 'all actors of a filter: machine, status, state, tag, run, text (may be given again)', collect]
const STATUS = oneOf('active', 'paused', 'failed', 'held', 'done', 'stopped', 'cancelled')

const bulk = (name: string, summary: string, more: readonly OptionRow[] = []): CommandRow => ({
  usage: `${name} [address...]`,
  summary: `${summary}; by addresses, or all of a filter`,
  use: 'change',
  options: [...more, FILTER, ['--dry-run', 'only count'], ['-y, --yes', 'do not ask']],
  examples: [`troupe ${name} order/42`, `troupe ${name} --filter machine=order --filter status=active --dry-run`],
  load: async () => (await import('../commands/steer.ts')).steer(name as 'pause'),
})

export const actorRows: readonly CommandRow[] = [
  {
    usage: 'actors', summary: 'List actors', use: 'read',
    options: [
      ['--machine <name>', 'of a machine'], ['--status <status>', 'active, paused, failed, held, done, stopped, cancelled', STATUS], ['--state <path>', 'in a state, such as pay.waiting'],
      ['--tag <tag>', 'with a tag'], ['--run <address>', 'of a run: its root and all spawned under it'], ['--text <part>', 'with this in their key'],
      ['--oldest', 'oldest first (default: newest)'], ['--limit <count>', 'how many (default: 50)', pageLimit], ['--all', 'all of them, page after page'], ['--tally', 'only how many, by machine, status and state'], ['-w, --watch', 'go on: each step of theirs as it comes'],
    ],
    examples: ['troupe actors --machine order --status active', 'troupe actors --all --json | jq -r .address', 'troupe actors --tally'],
    load: async () => (await import('../commands/actors.ts')).actors,
  },
  {
    usage: 'start <machine> [key]', summary: 'Start an actor; the same start twice is one', use: 'change',
    options: [['--input <json>', 'its input: JSON, @file, or - for standard input'], ['--wait', 'wait for its end, and show the output'], ['--timeout <time>', 'longest wait, such as 30s (default: 5m)', milliseconds], ONCE],
    examples: ['troupe start order 42 --input \'{"cents":1200}\'', 'troupe start report monday --input @task.json --wait'],
    load: async () => (await import('../commands/start.ts')).start,
  },
  {
    usage: 'send <address> [type]', summary: 'Send an event; answers when it is durable', use: 'change', options: [EVENT, ONCE],
    examples: ['troupe send order/42 PAY', 'troupe send order/42 --event \'{"type":"PAY","cents":1200}\''],
    load: async () => (await import('../commands/send.ts')).send,
  },
  {
    usage: 'ask <address> [type]', summary: 'Send an event and wait for what comes of it', use: 'change',
    options: [EVENT, ['--until <what>', 'processed (default), reply, or tag:NAME'], ['--timeout <time>', 'longest wait, such as 30s (default: 30s)', milliseconds], ONCE],
    examples: ['troupe ask desk/ann --event \'{"type":"user.message","content":"Hello"}\' --until reply'],
    load: async () => (await import('../commands/send.ts')).ask,
  },
  {
    usage: 'show <address>', summary: 'The state of an actor, and what it can do next', use: 'read', options: [['--at <seq>', 'after a past step', wholeNumber]],
    examples: ['troupe show order/42', 'troupe show order/42 --at 3 --json'],
    load: async () => (await import('../commands/show.ts')).show,
  },
  {
    usage: 'watch [address]', summary: 'Steps as they are committed: of one actor until it ends, or of all', use: 'read',
    options: [['--from <seq>', 'of one actor: steps above it', wholeNumber], ['--progress', 'of one actor: also what its tasks tell'], ['--machine <name>', 'of all: of a machine'], ['--run <address>', 'of all: of a run']],
    examples: ['troupe watch order/42 --from 0', 'troupe watch --machine order --json'],
    load: async () => (await import('../commands/watch.ts')).watch,
  },
  {
    usage: 'history <address>', summary: 'Past steps, each with the state after it', use: 'read',
    options: [['--from <seq>', 'steps above it', wholeNumber], ['--limit <count>', 'how many (default: all)', wholeNumber], ['--full', 'with context and output after each step']],
    examples: ['troupe history order/42', 'troupe history order/42 --full --json'],
    load: async () => (await import('../commands/history.ts')).history,
  },
  {
    usage: 'fork <address>', summary: 'Start a new actor from the state after a past step', use: 'change',
    options: [['--at <seq>', 'the step (default: the last)', wholeNumber], ['--as <key>', 'key of the new actor'], ONCE],
    examples: ['troupe fork order/42 --at 3 --as 42-again'],
    load: async () => (await import('../commands/fork.ts')).fork,
  },
  bulk('pause', 'Let events wait, and timers stand still'),
  bulk('resume', 'Go on, after a pause or with a failed actor'),
  bulk('cancel', 'End actors after time to clean up', [['--grace <time>', 'of one actor: time to clean up, such as 10s', milliseconds]]),
  bulk('stop', 'End actors and all they have spawned, at once'),
  {
    usage: 'logs stream <run>', summary: 'What a run does, from its beginning, as lines; ends with it', use: 'read',
    options: [['--node <name>', 'only actors of this machine, key or address; with the progress of their tasks'], ['--no-follow', 'end at the present']],
    examples: ['troupe logs stream report/monday', 'troupe logs stream report/monday --node reader --json'],
    load: async () => (await import('../commands/logs.ts')).logs,
  },
  {
    usage: 'replay <address>', summary: 'Go back to a past step: look at it, or go on from it in a new actor', use: 'change',
    options: [['--from <seq>', 'the step', wholeNumber], ['--mode <mode>', 'freeze: show state and legal events, change nothing (default); live: go on from there in a new actor', oneOf('freeze', 'live')], ['--as <key>', 'live: key of the new actor']],
    examples: ['troupe replay order/42 --from 3 --mode freeze', 'troupe replay order/42 --from 3 --mode live --as 42-again'],
    load: async () => (await import('../commands/replay.ts')).replay,
  },
]
