import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { findOrInstall, installOnce } from '../redis/find-redis.ts'

/** Where Debian, Ubuntu and Chrome itself put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Why the browser tests are skipped. */
export const WITHOUT_CHROMIUM = 'the browser tests need Chromium: `apt-get install chromium`, or `npx playwright-core install chromium`'

/** A Chromium of this machine, Playwright's own too; undefined where there is none. */
export const chromiumPath = (): string | undefined => [...PLACES, chromium.executablePath()].find(path => existsSync(path))

/** Installs one from the distribution where it is missing and this process may; says so where it cannot. */
export async function ensureChromium(): Promise<void> {
  if (chromiumPath() === undefined) await findOrInstall('chromium', installOnce('chromium'), WITHOUT_CHROMIUM).catch((error: unknown) => console.warn(String(error)))
}
