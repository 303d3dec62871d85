import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

export interface FindOptions {
  /** Folders to look in, as in `PATH`. */
  readonly path?: string
  /** Whether what is missing may be installed from the distribution's packages. */
  readonly mayInstall?: boolean
}

/** Where `redis-server` is; installs it once, where it is missing and this process may. */
export const findRedis = (options?: FindOptions): Promise<string> =>
  findOrInstall('redis-server', INSTALL_REDIS, 'the Redis tests need redis-server 7.0 or newer on PATH: `apt-get install redis-server`, `dnf install redis` or `brew install redis`', options)

/** Where `python3` is; installs it likewise. */
export const findPython = (options?: FindOptions): Promise<string> =>
  findOrInstall('python3', INSTALL_PYTHON, 'the tests of the Python worker need python3 3.10 or newer on PATH: `apt-get install python3`, `dnf install python3` or `brew install python3`', options)

export async function findOrInstall(
  name: string,
  script: string,
  hint: string,
  { path = process.env['PATH'] ?? '', mayInstall = process.platform === 'linux' && process.getuid?.() === 0 }: FindOptions = {},
): Promise<string> {
  const found = await findProgram(name, path)
  if (found !== undefined) return found
  if (mayInstall && await findProgram('apt-get', path) !== undefined) {
    await install(name, script)
    const installed = await findProgram(name, path)
    if (installed !== undefined) return installed
  }
  throw new Error(hint)
}

/** Where a program is among the folders of `path`, or undefined. */
export async function findProgram(name: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const program = join(folder, name)
    if (folder !== '' && await access(program, constants.X_OK).then(() => true, () => false)) return program
  }
  return undefined
}

/**
 * The package starts a service on port 6379, which nobody here has asked for. There was no server before, so the
 * service is the package's own and may be stopped.
 */
const INSTALL_REDIS = `
${installOnce('redis-server')}
if [ -d /run/systemd/system ]; then systemctl disable --now redis-server; else
  service redis-server stop || true
  update-rc.d redis-server disable || true
fi
`

const INSTALL_PYTHON = installOnce('python3')

export function installOnce(name: string): string {
  return `
set -e
command -v ${name} && exit 0
apt-get -q update
apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=120 ${name}`
}

/** Test files run in parallel: `flock` lets one install, and the others find it done. The lock dies with its holder. */
async function install(name: string, script: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await promisify(execFile)('flock', [join(tmpdir(), `troupe-install-${name}.lock`), 'sh', '-c', script], { env })
  } catch (cause) {
    throw new Error(`could not install ${name} from the distribution: install it by hand (\`apt-get install ${name}\`)`, { cause })
  }
}
