import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { saga } from 'troupe/machines'
import type { SagaGiven, SagaStep, UndoInput } from 'troupe/machines'
import { SoldOut, parts } from './agency.ts'
import type { Agency, Booking, Part, Trip } from './agency.ts'

const retry = { attempts: 3, baseMs: 100 }

/** Flight, hotel and car: all three, or none. */
export const createTrip = (agency: Agency) => saga<Trip>({ name: 'trip', description: 'books a trip, or cancels what it has booked', steps: parts.map(part => stepOf(agency, part)) })

const stepOf = (agency: Agency, part: Part): SagaStep<Trip> => ({
  name: part,
  do: task({
    run: ({ input, idempotencyKey }: TaskScope<SagaGiven<Trip>>) => agency.reserve(part, input.input, idempotencyKey),
    retry,
    retryIf: error => !(error instanceof SoldOut),
    timeout: 30_000,
  }),
  undo: task({
    run: ({ input, idempotencyKey }: TaskScope<UndoInput<Trip>>) => agency.cancel(part, input.result as Booking, idempotencyKey),
    retry,
    timeout: 30_000,
  }),
})
