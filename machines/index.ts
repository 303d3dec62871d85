export { barrier } from './barrier.ts'
export type { BarrierInput, BarrierOutput } from './barrier.ts'
