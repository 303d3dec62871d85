/** `npm run docs`: draws the statecharts of all pages. */
import { writeFileSync } from 'node:fs'
import { drawnPage, pathOf } from './drawn-page.ts'
import { pages } from './pages.ts'

for (const [page, machine] of Object.entries(pages)) {
  const { now, drawn } = drawnPage(page, machine)
  if (now === drawn) continue
  writeFileSync(pathOf(page), drawn)
  console.log(`docs/${page}.md`)
}
