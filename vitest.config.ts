import { defineConfig, type Plugin } from 'vitest/config'

const conditions = ['troupe-source', 'node']

/**
 * Imports resolve as with `node --conditions=troupe-source`: `troupe` and `troupe/testing` are the
 * sources, and XState is the build that plain Node loads. Vite's settings for this are not enough: it
 * adds `development` whatever they say, and with it XState's development build, which nobody runs.
 */
const sameConditionsAsNode: Plugin = {
  name: 'troupe:same-conditions-as-node',
  configResolved(config) {
    for (const { resolve } of [config.ssr, ...Object.values(config.environments)]) {
      if (resolve) Object.assign(resolve, { conditions, externalConditions: conditions })
    }
  },
}

/** Flags for the worker's own imports; `node:sqlite` warns that it is experimental, in every worker. */
const execArgv = ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning']

/** Waits for servers and for leases in real time: too slow for the quick loop. */
const SLOW_CONFORMANCE = 'test/conformance/redis.test.ts'

const project = (name: string, folders: readonly string[], timeoutMs: number) => ({
  extends: true as const,
  test: {
    name,
    include: [...folders.map((folder) => `test/${folder}/**/*.test.ts`), ...(name === 'integration' ? [SLOW_CONFORMANCE] : [])],
    exclude: name === 'integration' ? [] : [SLOW_CONFORMANCE],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    // Simulated worlds keep all cores busy: they come after what waits for real time.
    sequence: { groupOrder: name === 'simulation' ? 1 : 0 },
  },
})

/** Real browsers at real servers. */
const { test: inBrowser, ...browser } = project('browser', ['browser'], 120_000)
const browserProject = { ...browser, test: { ...inBrowser, globalSetup: ['test/support/browser/prepare.ts'], setupFiles: ['test/support/browser/skip-without-chromium.ts'], expect: { poll: { timeout: 20_000 } } } }

export default defineConfig({
  plugins: [sameConditionsAsNode],
  test: {
    pool: 'forks',
    // By default one worker where there are two cores; most of the long tests wait for leases and servers.
    maxWorkers: 2,
    execArgv,
    restoreMocks: true,
    coverage: {
      provider: 'v8',
      include: ['src/core/**/*.ts', 'src/host/**/*.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      reportsDirectory: 'coverage',
      thresholds: { lines: 95, branches: 95 },
    },
    projects: [
      project('unit', ['unit', 'conformance'], 10_000),
      project('integration', ['integration'], 180_000),
      project('fault', ['fault'], 120_000),
      browserProject,
      project('simulation', ['simulation'], 120_000),
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            checker: 'tsc',
            // `npm run typecheck` reports the rest; here only the type tests speak.
            ignoreSourceErrors: true,
            include: ['test/types/**/*.test.ts'],
            tsconfig: './tsconfig.json',
          },
        },
      },
    ],
  },
})
