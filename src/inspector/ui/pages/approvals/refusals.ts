/** Why a decision did not count, and what to do, for the words that `decide` answers with. */
const texts: Readonly<Record<string, string>> = {
  'other-revision': 'It was changed after it was shown to you, so your decision did not count. This is how it stands now: decide again.',
  'not-an-approver': 'You are not among those who are asked at this level, so your decision did not count.',
  'answered-already': 'You have decided on this already; the first decision counts.',
}

export const refusalText = (refused: string | null): string => texts[refused ?? ''] ?? `Your decision did not count: ${refused ?? 'no reason was given'}.`
