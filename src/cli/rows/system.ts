import type { CommandRow } from '../command.ts'
import { oneOf } from '../input/numbers.ts'

export const systemRows: readonly CommandRow[] = [
  { usage: 'machines list', summary: 'Registered machines', use: 'read', load: async () => (await import('../commands/machines.ts')).list },
  { usage: 'machines show <name>', summary: 'A machine: its states, events and members', use: 'read', load: async () => (await import('../commands/machines.ts')).show },
  {
    usage: 'machines diagram <name>', summary: 'The statechart of a machine', use: 'read', options: [['--format <format>', 'text (default) or mermaid', oneOf('text', 'mermaid')]],
    examples: ['troupe machines diagram order', 'troupe machines diagram order --format mermaid > order.mmd'], load: async () => (await import('../commands/machines.ts')).diagram,
  },
  { usage: 'machines check [file]', summary: 'Check the machines of a config; starts nothing', examples: ['troupe machines check', 'troupe machines check ./machines.ts'], load: async () => (await import('../commands/check.ts')).check },
  { usage: 'patterns list', summary: 'Registered patterns, and definitions that can be built', use: 'read', options: [['--capability <word>', 'that can do this']], load: async () => (await import('../commands/catalogue.ts')).patterns },
  { usage: 'patterns show <name>', summary: 'A pattern, or a definition with its parameters', use: 'read', load: async () => (await import('../commands/catalogue.ts')).pattern },
  { usage: 'agents', summary: 'Registered agents with models and tools', use: 'read', options: [['--capability <word>', 'that can do this']], load: async () => (await import('../commands/catalogue.ts')).agents },
  { usage: 'workers', summary: 'Threads for CPU-heavy work, and their CPUs', use: 'read', load: async () => (await import('../commands/cluster.ts')).workers },
  { usage: 'cluster', summary: 'Nodes that live, what they own, and their load', use: 'read', load: async () => (await import('../commands/cluster.ts')).cluster },
  { usage: 'queues', summary: 'Tasks that wait and run', use: 'read', load: async () => (await import('../commands/cluster.ts')).queues },
  { usage: 'stuck', summary: 'Active actors that nothing can ever wake', use: 'read', load: async () => (await import('../commands/stuck.ts')).stuck },
  { usage: 'top', summary: 'Live view: rates, actors by state, queues, nodes; q ends it', use: 'read', load: async () => (await import('../commands/top.ts')).top },
]
