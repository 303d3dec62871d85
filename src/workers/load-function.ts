import { existsSync } from 'node:fs'
import type { CpuFunction } from '../core/cpu-pool.ts'
import { TroupeError } from '../core/errors.ts'

/** Where a module lies: sources name `./heavy.ts`, and what is built of them has only the `.js` beside it. Throws `config/invalid`. */
export function locate(module: URL | string): string {
  const url = URL.parse(String(module))
  if (!url) throw new TroupeError('config/invalid', `the module of a CPU task must be a URL such as new URL('./heavy.ts', import.meta.url), not ${String(module)}`)
  const { href, protocol } = url
  const isBuilt = protocol === 'file:' && href.endsWith('.ts') && !existsSync(url)
  return isBuilt ? href.replace(/\.ts$/, '.js') : href
}

/** The function a call names. Throws `workers/unknown`, and whatever the module throws while it is loaded. */
export async function loadFunction(module: string, name: string): Promise<CpuFunction> {
  const exports = await import(module).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new TroupeError('workers/unknown', `the module ${module} cannot be loaded: ${(error as Error).message}`, { cause: error })
  }) as Readonly<Record<string, unknown>>
  const found = exports[name]
  if (typeof found === 'function') return found as CpuFunction
  throw new TroupeError('workers/unknown', `${module} exports no function ${name}; it exports ${Object.keys(exports).join(', ') || 'nothing'}`)
}
