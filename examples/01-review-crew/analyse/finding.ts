/** What a rule has to say about a line of a file. */
export interface Finding {
  readonly rule: Rule
  readonly line: number
  /** One sentence, without the place. */
  readonly text: string
}

/** Every rule, the gravest first: the order of the report. */
export const rules = {
  'floating-promise': 'a promise that nobody waits for',
  'empty-catch': 'an error that is swallowed',
  'focused-test': 'a test that keeps others from running',
  'empty-test': 'a test that checks nothing',
  'deep-nesting': 'control flow nested too deep',
  'long-function': 'a function that fits no screen',
  'duplicated-block': 'the same code in two files',
  'unused-export': 'an export that no reviewed file imports',
  'long-file': 'a file that wants a split',
  'long-line': 'lines too long to read',
  'skipped-test': 'a test that is skipped without a reason',
  'stale-param': 'a comment about a parameter that there is not',
  'todo-owner': 'a TODO that nobody owns',
  'console-log': 'console.log left behind',
  remark: 'what a specialist has seen beside the rules',
} as const satisfies Record<string, string>

export type Rule = keyof typeof rules

export const ruleNames = Object.keys(rules) as readonly Rule[]

export const limits = {
  /** Lines of code in a file: blank lines and comments are free. */
  fileLinesMax: 400,
  /** Lines of a function, from its head to its last brace. */
  functionLinesMax: 70,
  lineCharactersMax: 200,
  nestingMax: 4,
  /** Lines of code that two files may have in common, one after another. */
  commonLinesMax: 9,
} as const
