export { mapOver } from './map-over.ts'
export type { MapInput, MapResult } from './map-over.ts'
