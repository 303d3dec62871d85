import { TroupeError } from '../../core/errors.ts'
import type { CommandRow, Run } from '../command.ts'
import { rows } from '../program.ts'

const PLACE = ['--url', '--key', '--store', '--config']
const ALWAYS = ['--json', '--help']

/** A script that knows commands and options; it asks the runtime for nothing. */
export const completion: Run = async ({ args: [shell], out }) => {
  if (shell !== 'bash' && shell !== 'zsh') throw new TroupeError('usage/invalid', `there is completion for bash and zsh, not for '${shell ?? ''}'`)
  const script = shell === 'bash' ? bash() : zsh()
  if (out.json) out.document({ shell, script })
  else out.write(script)
  return undefined
}

const wordsOf = ({ usage }: CommandRow): readonly string[] => usage.split(' ').filter(word => /^[a-z]/.test(word))
const flagsOf = ({ options = [], use }: CommandRow): readonly string[] => [...options.flatMap(([flags]) => flags.match(/--[\w-]+/g) ?? []), ...(use ? PLACE : []), ...ALWAYS]
const groupsOf = (): ReadonlyMap<string, readonly string[]> => Map.groupBy(rows.map(wordsOf), ([first = '']) => first) as never

function cases(): string {
  const inner = [...Map.groupBy(rows.map(wordsOf).filter(words => words.length === 2), ([group = '']) => group)].map(([group, all]) => `    ${group}) words="${all.map(([, name]) => name).join(' ')}" ;;`)
  const flags = rows.map(row => `    "${wordsOf(row).join(' ')}") flags="${flagsOf(row).join(' ')}" ;;`)
  const files = `      --config|--keys) COMPREPLY=($(compgen -f -- "$cur")); return ;;`
  const values = [['--status', 'active paused held failed done stopped cancelled'], ['--mode', 'freeze live'], ['--format', 'text mermaid'], ['--role', 'viewer operator admin'], ['--signature', 'hmac ed25519'], ['--until', 'processed reply tag:']].map(([flag, choices]) => `      ${flag}) COMPREPLY=($(compgen -W "${choices}" -- "$cur")); return ;;`)
  return `  case "$prev" in
${[files, ...values].join('\n')}
  esac
  case "$first" in
${inner.join('\n')}
    completion) words="bash zsh" ;;
    "") words="${[...groupsOf().keys()].join(' ')}" ;;
  esac
  case "$first\${second:+ $second}" in
${flags.join('\n')}
  esac`
}

/** Options are told by the words before: a group and its command, or a command alone. */
function bash(): string {
  return `# Completion of troupe for bash: source <(troupe completion bash)
_troupe() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="" first="" second="" words="" flags="" word index
  [ "$COMP_CWORD" -gt 0 ] && prev="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) continue ;; esac
    if [ -z "$first" ]; then first="$word"; else case " ${[...groupsOf()].filter(([, all]) => (all[0]?.length ?? 0) === 2).map(([name]) => name).join(' ')} " in *" $first "*) second="$word" ;; esac; break; fi
  done
${cases()}
  [ -n "$second" ] && words=""
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -o bashdefault -F _troupe troupe
`
}

/** zsh speaks bash's completion. */
function zsh(): string {
  return `#compdef troupe
autoload -U +X bashcompinit && bashcompinit
${bash()}
# Found in a folder of $fpath this file is the function: it answers the first time, too.
if [ "\${funcstack[1]}" = _troupe ]; then _bash_complete -o bashdefault -F _troupe; fi
`
}
