export { barrier } from './barrier.ts'
export type { BarrierInput, BarrierOutput } from './barrier.ts'
export { schedule } from './schedule.ts'
export type { ScheduleInput, ScheduleOutput, ScheduledRun } from './schedule.ts'
