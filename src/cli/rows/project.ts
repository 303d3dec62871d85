import type { CommandRow, OptionRow } from '../command.ts'
import { collect, oneOf, port } from '../input/numbers.ts'

const CONFIG: OptionRow = ['--config <file>', 'module that exports the machines (default: troupe.config.ts, .js, .mjs)']
const STORE: OptionRow = ['--store <url>', 'in place of the store of the config']

export const projectRows: readonly CommandRow[] = [
  {
    usage: 'init [dir]', summary: 'Make a project from a template',
    options: [['--template <name>', 'which one; --list shows them'], ['--name <name>', 'of the package (default: the folder\'s)'], ['--list', 'show the templates']],
    examples: ['troupe init my-crew', 'troupe init my-crew --template supervisor'], load: async () => (await import('../init/init.ts')).init,
  },
  {
    usage: 'dev', summary: 'Run the machines of this folder: embedded store, inspector, API; restarts on changes and goes on',
    options: [CONFIG, STORE, ['--port <port>', 'default: 4747, or the next that is free', port], ['--no-watch', 'do not restart on changes']],
    examples: ['troupe dev', 'troupe dev --config ./machines.ts --port 5000'], load: async () => (await import('../dev/dev.ts')).dev,
  },
  {
    usage: 'serve', summary: 'Run machines and API for production',
    options: [CONFIG, STORE, ['--host <host>', 'default: 127.0.0.1; any other needs keys'], ['--port <port>', 'default: 4747', port], ['--keys <file>', 'API keys, as `troupe keys` writes them (default: keys.json)'], ['--no-ui', 'without the inspector']],
    examples: ['troupe serve --host 0.0.0.0 --store redis://redis:6379'], load: async () => (await import('../commands/serve.ts')).serve,
  },
  {
    usage: 'worker', summary: 'Run the tasks of queues for runtimes elsewhere; needs Redis',
    options: [CONFIG, STORE, ['--queue <name=concurrency>', 'a queue to serve (may be given again; default: those of the config)', collect]],
    examples: ['troupe worker --store redis://redis:6379 --queue gpu=2'], load: async () => (await import('../commands/worker.ts')).worker,
  },
  { usage: 'keys create <name>', summary: 'Make an API key; it is shown this once', options: [['--role <role>', 'viewer (default), operator, admin', oneOf('viewer', 'operator', 'admin')], ['--keys <file>', 'default: keys.json']], examples: ['troupe keys create ci --role operator'], load: async () => (await import('../commands/keys.ts')).create },
  { usage: 'keys list', summary: 'Names and roles of the keys', options: [['--keys <file>', 'default: keys.json']], load: async () => (await import('../commands/keys.ts')).list },
  { usage: 'keys revoke <name>', summary: 'Take a key back', options: [['--keys <file>', 'default: keys.json']], load: async () => (await import('../commands/keys.ts')).revoke },
  { usage: 'doctor', summary: 'Check Node, store, XState, this machine and the server, and say what to change', options: [['--url <url>', 'a running server'], ['--key <key>', 'its API key'], STORE, CONFIG], examples: ['troupe doctor', 'troupe doctor --store redis://localhost:6379'], load: async () => (await import('../doctor/doctor.ts')).doctor },
  { usage: 'completion <shell>', summary: 'Completion for bash or zsh', examples: ['source <(troupe completion bash)', 'troupe completion zsh > ~/.zfunc/_troupe'], load: async () => (await import('../commands/completion.ts')).completion },
]
