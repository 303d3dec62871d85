import type { Finding } from 'troupe/patterns'
import type { Documents } from './documents.ts'

/** Something that is said of the documents, and where it stands. */
export interface Claim {
  readonly text: string
  readonly source: string
  readonly line: number
  readonly quote: string
}

const CITED = /^[-*\d.\s]*(.*?)\s*\[([^\][]+):(\d+)\]\.?\s*$/

/** The claims of a finding, one a line: `- what is said [file:line]`. */
export function claimsOf({ text, citations }: Finding): readonly Claim[] {
  return text.split('\n').flatMap(said => {
    const [, words = '', source = '', at = ''] = CITED.exec(said) ?? []
    const cited = citations.find(citation => citation.source === source && citation.line === Number(at))
    return words === '' || !cited ? [] : [{ text: words, source, line: Number(at), quote: cited.quote ?? '' }]
  })
}

export const findingOf = (claims: readonly Claim[]): Finding => ({
  text: claims.map(({ text, source, line }) => `- ${text} [${source}:${line}]`).join('\n'),
  citations: claims.map(({ source, line, quote }) => ({ source, line, quote })),
})

export interface Checked {
  readonly claims: readonly Claim[]
  /** Claims whose quote does not stand at the line they cite, and lines that cite nothing. */
  readonly dropped: number
}

/** Only what really stands where it is said to stand. */
export function check(finding: Finding, documents: Documents): Checked {
  const claims = claimsOf(finding).filter(({ source, line, quote }) => quote.trim() !== '' && documents.line(source, line)?.includes(quote.trim()))
  return { claims, dropped: finding.text.split('\n').filter(line => line.trim() !== '').length - claims.length }
}
