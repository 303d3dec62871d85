export { mapOver } from './map-over.ts'
export type { MapInput, MapOver, MapResult } from './map-over.ts'
