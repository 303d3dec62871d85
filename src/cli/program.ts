import { Command, Option } from 'commander'
import type { CommandRow, OptionRow } from './command.ts'
import { actorRows } from './rows/actors.ts'
import { peopleRows } from './rows/people.ts'
import { projectRows } from './rows/project.ts'
import { systemRows } from './rows/system.ts'

const sections: Readonly<Record<string, readonly CommandRow[]>> = { 'Projects and processes:': projectRows, 'Actors:': actorRows, 'What waits for people:': peopleRows, 'What runs, and where:': systemRows }

export const rows: readonly CommandRow[] = Object.values(sections).flat()

/** Commands that have commands. */
const groups: Readonly<Record<string, string>> = {
  keys: 'API keys of the server',
  logs: 'What a run tells',
  dlq: 'Dead letters: what could not be processed',
  machines: 'The registered machines',
  patterns: 'The registered patterns, and those that can be built',
  webhooks: 'Who is told of what happens',
}

const PLACE: readonly OptionRow[] = [
  ['--url <url>', 'a running server'],
  ['--key <key>', 'its API key (default: TROUPE_KEY)'],
  ['--store <url>', 'a store to open instead: sqlite:./app.db, redis://host'],
  ['--config <file>', 'with --store: module that exports the machines (default: troupe.config.ts, .js, .mjs)'],
]

const EPILOGUE = `
A command finds its runtime by --url or --store; without them it asks the \`troupe dev\` or \`troupe serve\` of this folder.

Exit codes: 0, 1 for a check that failed, 64 for a wrong call, 130 after ctrl-c, else that of the error (docs/errors.md).
`

export type Runner = (row: CommandRow, args: readonly string[], options: Readonly<Record<string, unknown>>) => Promise<void>

/** The whole command line, without the code of its commands. */
export function createProgram(version: string, runner: Runner): Command {
  const program = new Command('troupe')
    .description('Durable, addressable, distributed actors for XState v5 machines')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .addHelpText('after', EPILOGUE)
    .exitOverride()
    .configureHelp({ subcommandTerm: command => [command.name(), command.usage().replace(/\[options\] ?|\[command\]/g, '')].join(' ').trim() })
    .showSuggestionAfterError()
  const parents = new Map<string, Command>([['', program]])
  for (const [section, those] of Object.entries(sections)) {
    for (const row of those) {
      const words = row.usage.split(' ')
      const [group = '', name] = words[1] !== undefined && /^[a-z]/.test(words[1]) ? [words[0], words[1]] : ['', words[0]]
      const parent = parents.get(group) ?? program.command(group).description(groups[group] ?? '').helpGroup(section)
      parents.set(group, parent)
      const command = define(parent, [name, ...words.slice(group === '' ? 1 : 2)].join(' '), row, runner)
      if (parent === program) command.helpGroup(section)
    }
  }
  return program
}

function define(parent: Command, usage: string, row: CommandRow, runner: Runner): Command {
  const command = parent.command(usage).description(row.summary).summary(row.summary.split(';')[0] ?? '')
  for (const [flags, description, read] of row.options ?? []) command.addOption(optionOf(flags, description, read))
  if (row.use) for (const [flags, description] of PLACE) command.addOption(optionOf(flags, description).helpGroup('Where:'))
  command.option('--json', 'answer in JSON')
  if (row.examples) command.addHelpText('after', `\nExamples:\n${row.examples.map(example => `  $ ${example}`).join('\n')}`)
  return command.action(async () => runner(row, command.args, command.opts()))
}

function optionOf(flags: string, description: string, read?: OptionRow[2]): Option {
  const option = new Option(flags, description)
  return read ? option.argParser(read as (text: string, before: unknown) => unknown) : option
}
