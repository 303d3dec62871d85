/*
 * As much of the WebAssembly binary format as kernel.ts needs, written as expressions: each function takes the code of its operands and
 * gives the code of the whole. Opcodes: https://webassembly.github.io/spec/core/binary/instructions.html
 */

export type Code = readonly number[]

/** Unsigned LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** Signed LEB128. */
function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}

const operation = (...opcode: Code) => (...operands: readonly Code[]): Code => [...operands.flat(), ...opcode]
const simd = (opcode: number, ...rest: Code) => operation(0xfd, ...unsigned(opcode), ...rest)
/** Where something lies: bit 6 of the alignment says that the number of a memory follows. */
const place = (align: number, memory: number, offset: number): Code => [align | 0x40, memory, ...unsigned(offset)]

export const get = (local: number): Code => [0x20, local]
export const set = (local: number, value: Code): Code => [...value, 0x21, local]

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: operation(0x6a),
  isBelow: operation(0x49),
}

export const f64 = {
  add: operation(0xa0),
  store: (memory: number, offset: number, address: Code, value: Code): Code => [...address, ...value, 0x39, ...place(3, memory, offset)],
}

export const f64x2 = {
  zero: [0xfd, 12, ...Array<number>(16).fill(0)] as Code,
  load: (memory: number, offset: number, address: Code): Code => simd(0, ...place(4, memory, offset))(address),
  /** Two single-precision numbers as doubles, which is exact. */
  loadSingles: (memory: number, offset: number, address: Code): Code => simd(0x5f)(simd(0x5d, ...place(3, memory, offset))(address)),
  add: simd(0xf0),
  sub: simd(0xf1),
  mul: simd(0xf2),
  lane: (lane: 0 | 1, value: Code): Code => simd(0x21, lane)(value),
}

/** Runs once, and again as long as the condition holds. */
export const repeat = (body: Code, condition: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b]

export interface WasmFunction {
  readonly name: string
  /** Each is an i32. */
  readonly params: number
  readonly locals: { readonly i32: number; readonly v128: number }
  readonly body: Code
}

/** Pages of 64 KiB, which is all that 32 bits can address. */
const MEMORY_PAGES_MAX = 65_536
const I32 = 0x7f
const V128 = 0x7b

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const sized = (code: Code): Code => [...unsigned(code.length), ...code]
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))]
const text = (value: string): Code => sized([...new TextEncoder().encode(value)])
/** A memory from outside, of any size; a shared one has to say its greatest. */
const memory = (name: string, isShared: boolean): Code => [...text('memory'), ...text(name), 2, ...(isShared ? [3, 0, ...unsigned(MEMORY_PAGES_MAX)] : [0, 0])]

/** A module of functions without results, which work on two memories: 0 is shared, 1 is not. */
export function encodeModule(functions: readonly WasmFunction[], memories: readonly [shared: string, own: string]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, functions.map(({ params }) => [0x60, ...vector(Array<Code>(params).fill([I32])), 0])),
    ...section(2, [memory(memories[0], true), memory(memories[1], false)]),
    ...section(3, functions.map((_, index) => unsigned(index))),
    ...section(7, functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)])),
    ...section(10, functions.map(({ locals, body }) => sized([...vector([[...unsigned(locals.i32), I32], [...unsigned(locals.v128), V128]]), ...body, 0x0b]))),
  ])
}
