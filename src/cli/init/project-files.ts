import { readFileSync } from 'node:fs'
import { packageFolder, versionOf } from '../version-of.ts'
import { readTemplate } from './templates.ts'
import type { Template } from './templates.ts'

const CONFIG = `export { machines } from './machines.ts'

export const store = 'sqlite:./data/app.db'
`

const TSCONFIG = `{
  "compilerOptions": {
    "target": "es2024", "lib": ["es2024", "esnext.disposable"], "module": "nodenext", "types": ["node"],
    "strict": true, "noUncheckedIndexedAccess": true, "erasableSyntaxOnly": true, "verbatimModuleSyntax": true, "allowImportingTsExtensions": true, "skipLibCheck": true, "noEmit": true
  },
  "include": ["*.ts"]
}
`

const IGNORED = `node_modules/
data/
.troupe/
.env
`

/** Files of a new project, by their names. */
export const projectFiles = (name: string, template: Template): Readonly<Record<string, string>> => ({
  'package.json': manifest(name),
  'troupe.config.ts': CONFIG,
  'machines.ts': readTemplate(template.name, 'machines.ts'),
  'machines.test.ts': readTemplate(template.name, 'machines.test.ts'),
  'tsconfig.json': TSCONFIG,
  '.gitignore': IGNORED,
  'README.md': readme(name, template),
})

function manifest(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', packageFolder()), 'utf8')) as { dependencies: Readonly<Record<string, string>> }
  return `${JSON.stringify({
    name, version: '0.0.0', private: true, type: 'module', engines: { node: '>=22.18' },
    scripts: { dev: 'troupe dev', start: 'troupe serve', test: 'node --test machines.test.ts', check: 'troupe machines check' },
    dependencies: { troupe: `^${versionOf()}`, xstate: dependencies['xstate'], zod: dependencies['zod'] },
  }, null, 2)}\n`
}

/** For a POSIX shell. */
const quoted = (text: string): string => (/^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** What to try first, as commands. */
export function firstCommands({ start: { machine, key, input }, then = [] }: Template): readonly string[] {
  const given = input === undefined ? '' : ` --input ${quoted(JSON.stringify(input))}`
  return [`troupe start ${machine} ${quoted(key)}${given}`, ...then, `troupe show ${machine}/${quoted(key)}`]
}

const readme = (name: string, template: Template): string => `# ${name}

${template.summary}. Made with \`troupe init --template ${template.name}\`.

\`\`\`sh
npm install
npm test
npm run dev         # inspector and API at http://127.0.0.1:4747; restarts on changes, and goes on
\`\`\`

In another terminal:

\`\`\`sh
${firstCommands(template).map(command => `npx ${command}`).join('\n')}
\`\`\`

\`machines.ts\` has the machines, \`troupe.config.ts\` says which run and where they are kept. \`npm start\` serves them without watching.
`
