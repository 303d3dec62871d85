/**
 * House rules that oxlint does not have: the layer walls, banned syntax, file names, owners of TODOs.
 * Loaded by `.oxlintrc.json`; needs Node >= 22.18, which the npm scripts provide.
 */
import { dirname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RuleTester } from 'oxlint/plugins-dev'
import { refuseImport } from './walls.ts'

type Rule = Parameters<RuleTester['run']>[1]
type Context = Parameters<NonNullable<Extract<Rule, { create: unknown }>['create']>>[0]
type Located = { readonly start: number; readonly end: number; readonly range: [number, number] }

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const BANNED_FILE_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'types'])

const PURE_CRYPTO = new Set(['createHash', 'createHmac', 'hash', 'timingSafeEqual'])

const pathOf = (context: Context): string => relative(ROOT, context.filename).split(sep).join('/')

function literal(node: unknown): string | undefined {
  const value = (node as { value?: unknown } | null | undefined)?.value
  return typeof value === 'string' ? value : undefined
}

/** `import { type A, type B }` is type-only as well: verbatimModuleSyntax keeps the import, but no name. */
function isTypeOnly(kind: string, specifiers: readonly { readonly type: string }[]): boolean {
  if (kind === 'type') return true
  return specifiers.length > 0 && specifiers.every((specifier) =>
    (specifier as { importKind?: string; exportKind?: string }).importKind === 'type'
    || (specifier as { exportKind?: string }).exportKind === 'type')
}

const walls: Rule = {
  create(context) {
    const file = pathOf(context)
    const check = (node: Located, source: unknown, typeOnly: boolean): void => {
      const specifier = literal(source)
      const reason = specifier === undefined ? undefined : refuseImport({ file, specifier, typeOnly })
      if (reason !== undefined) context.report({ node, message: reason })
    }
    return {
      ImportDeclaration: (node) => check(node, node.source, isTypeOnly(node.importKind ?? 'value', node.specifiers)),
      ExportNamedDeclaration: (node) => check(node, node.source, isTypeOnly(node.exportKind ?? 'value', node.specifiers)),
      ExportAllDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source, false),
      TSImportType: (node) => check(node, node.source, true),
      CallExpression: (node) => {
        const callee = context.sourceCode.getText(node.callee)
        if (/(?:^|\.)(?:require|getBuiltinModule|importActual)$/.test(callee)) check(node, node.arguments[0], false)
      },
    }
  },
}

const noEnum: Rule = {
  create: (context) => ({
    TSEnumDeclaration: (node) => context.report({ node, message: 'no enum: use a union of string literals' }),
  }),
}

const noDecorator: Rule = {
  create: (context) => ({
    Decorator: (node) => context.report({ node, message: 'no decorators: Node cannot run them' }),
  }),
}

/** no-restricted-globals does not see `globalThis.setTimeout`, nor `const { now } = Date`. */
const noAmbientTime: Rule = {
  create: (context) => ({
    MemberExpression: (node) => {
      const object = context.sourceCode.getText(node.object)
      const property = node.computed ? literal(node.property) : context.sourceCode.getText(node.property)
      const path = `${object}.${property}`
      if (/^(?:globalThis|global|window|self)\.(?:Date|Math|crypto|performance|process|set(?:Timeout|Interval|Immediate))$/.test(path)) {
        context.report({ node, message: `${path} is ambient time, randomness or process: take it as an argument` })
      }
    },
    ImportDeclaration: (node) => {
      if (!/^(?:node:)?crypto$/.test(node.source.value)) return
      if (node.importKind === 'type') return
      for (const specifier of node.specifiers) {
        const [name = ''] = context.sourceCode.getText(specifier).split(' ')
        if (name !== 'type' && !PURE_CRYPTO.has(name)) {
          context.report({ node: specifier, message: `node:crypto ${name} may be random: only ${[...PURE_CRYPTO].join(', ')} are pure` })
        }
      }
    },
  }),
}

const fileName: Rule = {
  create: (context) => ({
    Program: (node) => {
      const base = pathOf(context).split('/').at(-1)?.replace(/\..*$/, '') ?? ''
      if (BANNED_FILE_NAMES.has(base)) {
        context.report({ node, message: `name the file for its main export, not "${base}"` })
      }
    },
  }),
}

const todoOwner: Rule = {
  create: (context) => ({
    Program: () => {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/\b(?:TODO|FIXME|XXX)\b(?!\([\w@-]+\))/.test(comment.value)) {
          context.report({ loc: comment.loc, message: 'a TODO names its owner: TODO(name)' })
        }
      }
    },
  }),
}

export default {
  meta: { name: 'troupe' },
  rules: {
    walls,
    'no-enum': noEnum,
    'no-decorator': noDecorator,
    'no-ambient-time': noAmbientTime,
    'file-name': fileName,
    'todo-owner': todoOwner,
  },
}
