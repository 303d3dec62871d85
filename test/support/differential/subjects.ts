import { actionSubjects } from './machines/actions.ts'
import { contextSubjects } from './machines/contexts.ts'
import { invokeSubjects } from './machines/invokes.ts'
import { spawnSubjects } from './machines/spawns.ts'
import { stateSubjects } from './machines/states.ts'
import { timerSubjects } from './machines/timers.ts'
import type { Subject } from './subject.ts'

export const subjects: readonly Subject[] = [...timerSubjects, ...stateSubjects, ...actionSubjects, ...contextSubjects, ...invokeSubjects, ...spawnSubjects]
