import { expect, test } from 'vitest'
import { titleOf } from '../../../src/inspector/ui/pages/approvals/title-of.ts'

test.each([
  ['Send the mail', { to: 'ann' }, 'Send the mail'],
  ['{"customer":"Ann","cents":1', { customer: 'Ann', cents: 1, items: [1] }, 'customer: Ann · cents: 1'],
  ['[1,2]', [{ a: 1 }], '[1,2]'],
])('an approval titled %s is shown so that people can read it', (title, subject, shown) => expect(titleOf({ title, subject })).toBe(shown))
