import type { Handlers } from '../../core/client/handler.ts'
import type { ClientParts } from './parts.ts'

export function systemHandlers({ env, runtime, extras }: ClientParts) {
  return {
    health: async () => ({ ...runtime.health(), version: extras.version ?? '', at: env.clock.now() }),
    cluster: () => runtime.cluster(),
    queues: async () => ({ queues: await runtime.queues() }),
    workers: async () => {
      const { planes, threads, ...info } = runtime.workers.info()
      return { ...info, planes: planes.map(plane => ({ ...plane })), threads: threads.map(thread => ({ ...thread })) }
    },
    stuck: query => runtime.stuck(query),
    whoAmI: async (_input, { caller }) => ({ ...caller }),
  } satisfies Partial<Handlers>
}
