/** Memory of WebAssembly; a shared one goes between threads without being copied. */
export interface WasmMemory<TBuffer extends ArrayBufferLike> {
  readonly buffer: TBuffer
  /** By pages of 64 KiB; the buffer of before is detached. */
  grow(pages: number): number
}

// TypeScript declares WebAssembly for browsers only: this is what is used of it.
interface WebAssemblyApi {
  readonly Memory: new (options: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean }) => WasmMemory<ArrayBufferLike>
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => { readonly exports: unknown }
}

const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly

const PAGE_BYTES = 65_536

export const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES)

export function createSharedMemory(bytes: number): WasmMemory<SharedArrayBuffer> {
  const pages = pagesOf(bytes)
  return new Memory({ initial: pages, maximum: pages, shared: true }) as WasmMemory<SharedArrayBuffer>
}

export const createMemory = (bytes: number): WasmMemory<ArrayBuffer> => new Memory({ initial: pagesOf(bytes) }) as WasmMemory<ArrayBuffer>

export const compile = (bytes: Uint8Array<ArrayBuffer>): object => new Module(bytes)

/** The exported functions of a module, over these memories. */
export const instantiate = <TExports>(module: object, memory: Readonly<Record<string, WasmMemory<ArrayBufferLike>>>): TExports => new Instance(module, { memory }).exports as TExports
