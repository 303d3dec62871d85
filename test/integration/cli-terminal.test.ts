/** The command line as people see it: in a terminal, and with the completion of a real bash. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { widthOf } from '../../src/cli/output/text.ts'
import { cli, cliCommand, startCli, writeProject } from '../support/cli.ts'
import type { Running } from '../support/cli.ts'
import { findOrInstall, installOnce } from '../support/redis/find-redis.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { hasTerminals, openTerminal } from '../support/terminal.ts'

let cwd = ''
let server: Running

beforeAll(async () => {
  cwd = await makeTempDir()
  writeProject(cwd)
  server = startCli({ cwd }, 'serve', '--port', '0')
  await server.until(/Serving/)
  for (const key of ['1', 'a-key-that-is-much-too-long-for-a-narrow-terminal-and-has-to-be-cut', '日本語の長い名前です']) await cli({ cwd }, 'start', 'order', key)
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(cwd, { recursive: true, force: true })
})

// oxlint-disable-next-line no-control-regex -- they are what it is about
const withoutStyles = (text: string): string => text.replaceAll(/\u001b\[[\d;]*m/g, '')

describe.skipIf(!hasTerminals)('in a terminal', () => {
  test('a table fits, and cells that do not end in …', async () => {
    await using terminal = openTerminal({ cwd, columns: 60 }, ...cliCommand, 'actors')
    expect(await terminal.ended).toBe(0)
    const rows = withoutStyles(terminal.shown()).split('\r\n').filter(line => line !== '')
    expect(rows).toHaveLength(4)
    for (const row of rows) expect(widthOf(row), row).toBeLessThanOrEqual(60)
    expect(rows.filter(row => row.includes('…'))).not.toEqual([])
    expect(terminal.shown()).toContain('\u001b[32mactive\u001b[39m')
  })

  test('top draws without clearing, follows the size of the terminal, and gives it back at q', async () => {
    await using terminal = openTerminal({ cwd, columns: 70, rows: 20 }, ...cliCommand, 'top')
    await terminal.until(/troupe top[^]*troupe top/)
    terminal.resize(40, 8)
    const before = terminal.shown().length
    await terminal.until(new RegExp(`^[^]{${before}}[^]*troupe top`))
    terminal.type('q')
    expect(await terminal.ended).toBe(0)
    const shown = terminal.shown()
    expect(shown).not.toContain('\u001b[2J')
    expect(shown.startsWith('\u001b[?1049h\u001b[?25l')).toBe(true)
    expect(shown.trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    const last = withoutStyles(shown.split('\u001b[?2026h').at(-1) ?? '').split('\u001b[J')[0]?.replaceAll('\u001b[K', '').replace('\u001b[H', '').split('\r\n') ?? []
    expect(last.length).toBeLessThanOrEqual(8)
    for (const line of last) expect(widthOf(line), line).toBeLessThanOrEqual(40)
  })

  test('stopping many asks first, and a no does nothing', async () => {
    await using terminal = openTerminal({ cwd }, ...cliCommand, 'stop', '--filter', 'machine=order')
    await terminal.until(/stop 3 actors\?/)
    terminal.type('n')
    expect(await terminal.ended).toBe(1)
    expect((await cli({ cwd }, 'actors', '--status', 'active', '--tally')).stdout).toContain('3 in all')
  })

  test('init asks for what was not said', async () => {
    await using terminal = openTerminal({ cwd }, ...cliCommand, 'init', 'asked')
    await terminal.until(/What is it going to be/)
    terminal.type('\r')
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toContain('is in asked')
  })
})

test('top tells plain lines where nobody looks', async () => {
  await using top = startCli({ cwd }, 'top')
  await top.until(/ready {2}steps\/s [^\n]*active 3[^\n]*\n[^\n]*ready/)
  top.signal('SIGINT')
  expect(await top.ended).toBe(0)
  // oxlint-disable-next-line no-control-regex -- they are what it is about
  expect(top.stdout()).not.toMatch(/\u001b/)
})

describe('completion in bash', () => {
  /** What it offers for a line that ends at the cursor. */
  const complete = (line: string): readonly string[] => {
    const words = line.split(' ')
    const script = `source ./completion.sh; COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _troupe; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['--norc', '-c', script], { cwd, encoding: 'utf8' }).split('\n').filter(word => word !== '')
  }
  beforeAll(async () => writeFileSync(join(cwd, 'completion.sh'), (await cli({ cwd }, 'completion', 'bash')).stdout))

  test.each([
    ['troupe ac', ['actors']],
    ['troupe ap', ['approvals', 'approve']],
    ['troupe dlq ', ['list', 'show', 'replay', 'discard']],
    ['troupe dlq re', ['replay']],
    ['troupe actors --st', ['--status', '--state', '--store']],
    ['troupe actors --status f', ['failed']],
    ['troupe dlq replay --ev', ['--event']],
    ['troupe replay order/1 --mode ', ['freeze', 'live']],
    ['troupe actors --config tro', ['troupe.config.js']],
    ['troupe completion ', ['bash', 'zsh']],
    ['troupe dlq list ', []],
  ])('%s', (line, offered) => expect(complete(line)).toEqual(offered))

  test.skipIf(!hasTerminals)('at the TAB key of an interactive shell', async () => {
    const bin = join(cwd, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'troupe'), `#!/bin/sh\nexec ${cliCommand.join(' ')} "$@"\n`)
    chmodSync(join(bin, 'troupe'), 0o755)
    await using terminal = openTerminal({ cwd, env: { PATH: `${bin}:${process.env['PATH']}` } }, 'bash', '--norc', '-i')
    await terminal.until(/[$#>] /)
    terminal.type('source <(troupe completion bash); echo "r"eady\r')
    await terminal.until(/\rready/)
    terminal.type('troupe machines dia\t')
    await terminal.until(/troupe machines diagram /)
    terminal.type('order | head -1\r')
    await terminal.until(/▸ waiting/)
  })
})

test.skipIf(!hasTerminals)('the completion of zsh answers the first TAB, found in a folder of $fpath', async () => {
  const zsh = await findOrInstall('zsh', installOnce('zsh'), 'this test needs zsh: `apt-get install zsh`')
  const folder = join(cwd, 'functions')
  mkdirSync(folder)
  writeFileSync(join(folder, '_troupe'), (await cli({ cwd }, 'completion', 'zsh')).stdout)
  await using terminal = openTerminal({ cwd, env: { FPATH: `${folder}:${execFileSync(zsh, ['-fc', 'echo $FPATH'], { encoding: 'utf8' }).trim()}` } }, zsh, '-f')
  await terminal.until(/[$#%] /)
  terminal.type('autoload -U compinit && compinit -u -D; echo "r"eady\r')
  await terminal.until(/\nready/)
  terminal.type('troupe mach\t')
  await terminal.until(/troupe machines/)
  terminal.type(' li\t')
  await terminal.until(/ list/)
})
