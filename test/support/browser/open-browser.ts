import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import { chromiumPath } from './find-chromium.ts'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export interface PageOptions {
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

/** Starts with its first page, so that set-ups need none where tests are skipped. */
export async function openBrowser() {
  let started: Promise<Browser> | undefined
  const start = (): Promise<Browser> => {
    const executablePath = chromiumPath()
    return chromium.launch({ ...(executablePath && { executablePath }), args: FLAGS })
  }
  return {
    /** A page in a context of its own. What it logs as an error, or throws, is in `faults`. */
    async open(url: string, { scheme = 'light', width = 1_440, height = 900 }: PageOptions = {}) {
      const browser = await (started ??= start())
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce', acceptDownloads: true })
      const page = await context.newPage()
      const faults: string[] = []
      page.on('pageerror', error => faults.push(error.message))
      page.on('console', message => message.type() === 'error' && faults.push(message.text()))
      await page.goto(url)
      return { page, faults, close: () => context.close() }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await (await started)?.close()
    },
  }
}

/** What axe finds that is serious or critical, each with the elements concerned. */
export async function seriousIssues(page: Page): Promise<readonly string[]> {
  // The page's policy lets no script of others in: axe comes over the debugger instead.
  const violations = await page.evaluate(`${axe.source}; axe.run({ resultTypes: ['violations'] }).then(result => result.violations)`) as AxeResults['violations']
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}
