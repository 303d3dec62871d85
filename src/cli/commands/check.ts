import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { findConfig, loadConfig } from '../config.ts'

/** Builds the machines as a runtime would, over an empty store in memory. */
export const check: Run = async ({ args: [file], out }) => {
  const path = findConfig(file) ?? ''
  const found = await verdict(file)
  out.answer({ config: path, ok: found.error === null, ...found }, () => {
    if (found.error !== null) return out.error(found.error)
    for (const name of found.machines) out.line(out.paint('green', '✔'), ' ', name)
    out.note(`${path}: ${found.machines.length} machines can be registered.`)
  })
  return found.error === null ? undefined : 1
}

async function verdict(file: string | undefined): Promise<{ readonly machines: readonly string[]; readonly error: TroupeError | null }> {
  try {
    const { server: _, ...options } = await loadConfig(file)
    const { createRuntime } = await import('../../create-runtime.ts')
    const runtime = await createRuntime({ ...options, store: 'memory:' })
    await runtime.close()
    return { machines: Object.keys(options.machines), error: null }
  } catch (error) {
    if (error instanceof TroupeError) return { machines: [], error }
    throw error
  }
}
