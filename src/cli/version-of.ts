import { readFileSync } from 'node:fs'

/** Of the package: two folders up from the sources, three from `dist`. */
export const packageFolder = (): URL => new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url)

export const versionOf = (): string => (JSON.parse(readFileSync(new URL('package.json', packageFolder()), 'utf8')) as { version: string }).version
