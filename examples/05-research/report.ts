import { dirname, join, relative, sep } from 'node:path'
import type { Claim } from './claims.ts'

export interface Report {
  readonly question: string
  readonly folder: string
  readonly out: string
  readonly documents: number
  readonly claims: readonly Claim[]
}

/** What was found, as Markdown: each claim with a link to the line it stands in, and what that line says where it says it otherwise. */
export function reportOf({ question, folder, out, documents, claims }: Report): string {
  const place = ({ source, line }: Claim): string => `[${source}:${line}](${relative(dirname(out), join(folder, source)).split(sep).join('/')}#L${line})`
  const body = claims.flatMap(claim => [`- ${claim.text} ${place(claim)}`, ...(claim.quote.replaceAll('**', '') === claim.text ? [] : [`  > ${claim.quote}`])])
  return [`# ${question}`, '', ...(body.length > 0 ? body : ['The documents say nothing about it.']), '', `From ${documents} documents.`, ''].join('\n')
}
