import { randomUUID } from 'node:crypto'
import { parseArgs, styleText } from 'node:util'
import { TroupeError, createRuntime } from 'troupe'
import type { ActorHandle, Runtime } from 'troupe'
import type { StepOutcome } from 'troupe/machines'
import { Agency, destinations, parts } from './agency.ts'
import type { Booking, Part, Trip } from './agency.ts'
import { createTrip } from './trip.ts'

const help = `Books flight, hotel and car: all three, or what was booked is cancelled, the last one first.

  npx node --conditions=troupe-source examples/08-trip-saga/main.ts [options]

  --to CITY       ${destinations.join(', ')} (default Lisbon)
  --nights N      1 to 30 (default 3)
  --fail PART     flight, hotel or car is sold out
  --stuck PART    flight, hotel or car cannot be cancelled: with --fail car, the trip is held
  --resume        goes on with a trip that is held
  --pace MS       lets every call take so long, to have time for a kill -9
  --help          this text

Kill it at any time: the same command goes on where it was.
It ends with 0: the trip is booked, 1: it was undone, 2: wrong arguments, 3: it is held.`

type Trips = ActorHandle<ReturnType<typeof createTrip>>

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      to: { type: 'string', default: 'Lisbon' }, nights: { type: 'string', default: '3' }, fail: { type: 'string' }, stuck: { type: 'string' },
      resume: { type: 'boolean', default: false }, pace: { type: 'string', default: '0' }, help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return console.log(help), 0
  const wanted: Trip = { to: oneOf('to', values.to, destinations), nights: wholeNumber('nights', values.nights, 1, 30) }
  const weather = { fails: partOf('fail', values.fail), stuck: partOf('stuck', values.stuck), paceMs: wholeNumber('pace', values.pace, 0, 60_000) }

  const trip = createTrip(new Agency('./data/trip-saga/book.jsonl', weather))
  await using runtime = await createRuntime({ machines: { trip }, store: 'sqlite:./data/trip-saga/trips.db' })
  const { actors: [open] } = await runtime.actors({ machine: 'trip', status: 'active' })
  if (values.resume && !open) throw new Error('there is no trip to go on with')
  const actor: Trips = open ? runtime.actor(trip, open.address.slice('trip/'.length)) : await begin(runtime, trip, wanted)
  if (values.resume) for (const { id } of await runtime.deadLetters.list({ address: actor.address })) await runtime.deadLetters.replay(id)
  const { to, nights } = (await actor.snapshot()).context.input
  console.log(`${actor.address}: ${to}, ${nights} ${nights === 1 ? 'night' : 'nights'}${open ? ', begun before' : ''}`)
  await tell(actor)
  return conclude(runtime, actor)
}

async function begin(runtime: Runtime, trip: ReturnType<typeof createTrip>, wanted: Trip): Promise<Trips> {
  const actor = runtime.actor(trip, randomUUID().slice(0, 8))
  await actor.start(wanted)
  return actor
}

/** Tells what has come of each part, in the order in which it came, until the trip ends or is held. */
async function tell(actor: Trips): Promise<void> {
  let before: Readonly<Record<string, StepOutcome>> = {}
  for await (const { snapshot } of actor.watch({ from: 0 })) {
    const { steps, results } = snapshot.context
    for (const step of Object.values(steps)) if (step.status !== before[step.step]?.status) tellStep(step, results[step.step] as Booking | undefined)
    before = steps
    // What it was held by before may have been mended since.
    if (snapshot.hasTag('held') && (await actor.snapshot()).hasTag('held')) return
  }
}

function tellStep({ step, status, reason }: StepOutcome, booking: Booking | undefined): void {
  const line = (word: string, rest: string): string => `  ${step.padEnd(8)}${word.padEnd(11)}${rest}`
  const what = booking ? `${booking.reference.padEnd(8)}${money(booking.cents).padStart(12)}` : ''
  switch (status) {
    case 'done':
      return console.log(styleText('green', line('booked', what)))
    case 'undone':
      return console.log(styleText('yellow', line('cancelled', what)))
    case 'failed':
    case 'unclear':
      return console.log(styleText('red', line('failed', reason ?? '')))
    case 'held':
      return console.log(styleText('red', line('held', `it could not be cancelled: ${reason}`)))
    default:
  }
}

/** Says how it ended; gives the exit code. */
async function conclude(runtime: Runtime, actor: Trips): Promise<number> {
  const { output, context, address } = await actor.snapshot()
  const total = Object.values(context.results).reduce<number>((sum, booking) => sum + (booking as Booking).cents, 0)
  if (output?.status === 'done') return console.log(`The trip is booked: ${money(total)}.`), 0
  if (output) return console.log(`The trip was undone, nothing is to be paid (${output.reason}).`), 1
  const letters = await runtime.deadLetters.list({ address })
  console.log(`The trip is held. Dead letter ${letters.map(({ id, cause }) => `${id}: ${cause.message}`).join('; ')}.`)
  console.log('Is it mended? Then go on with --resume.')
  return 3
}

const money = (cents: number): string => `${(cents / 100).toFixed(2)} EUR`

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find(one => one.toLowerCase() === given.toLowerCase())
  if (found === undefined) throw new Error(`--${option} takes ${allowed.join(', ')}, not '${given}'`)
  return found
}
const partOf = (option: string, given: string | undefined): Part | undefined => (given === undefined ? undefined : oneOf(option, given, parts))

function wholeNumber(option: string, given: string, min: number, max: number): number {
  if (!/^\d+$/.test(given) || Number(given) < min || Number(given) > max) throw new Error(`--${option} takes a whole number from ${min} to ${max}, not '${given}'`)
  return Number(given)
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`trip-saga: ${(error as Error).message}`)
  process.exitCode = error instanceof TroupeError ? error.exitCode : 2
}
