import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

export interface FindRedisOptions {
  /** Folders to look in, as in `PATH`. */
  readonly path?: string
  /** Whether a missing server may be installed from the distribution's packages. */
  readonly mayInstall?: boolean
}

/** Where `redis-server` is; installs it once, where it is missing and this process may. */
export async function findRedis({
  path = process.env['PATH'] ?? '',
  mayInstall = process.platform === 'linux' && process.getuid?.() === 0,
}: FindRedisOptions = {}): Promise<string> {
  const found = await findProgram('redis-server', path)
  if (found !== undefined) return found
  if (mayInstall && await findProgram('apt-get', path) !== undefined) {
    await install()
    const installed = await findProgram('redis-server', path)
    if (installed !== undefined) return installed
  }
  throw new Error('the Redis tests need redis-server 7.0 or newer on PATH: `apt-get install redis-server`, `dnf install redis` or `brew install redis`')
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
const INSTALL = `
set -e
command -v redis-server && exit 0
apt-get -q update
apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=120 redis-server
if [ -d /run/systemd/system ]; then systemctl disable --now redis-server; else
  service redis-server stop || true
  update-rc.d redis-server disable || true
fi
`

/** Test files run in parallel: `flock` lets one install, and the others find it done. The lock dies with its holder. */
async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await promisify(execFile)('flock', [join(tmpdir(), 'troupe-install-redis.lock'), 'sh', '-c', INSTALL], { env })
  } catch (cause) {
    throw new Error('could not install redis-server from the distribution: install it by hand (`apt-get install redis-server`)', { cause })
  }
}
