import type { AnyActorRef } from 'xstate'
import { z } from 'zod'
import { actorAt } from '../src/core/targets.ts'
import type { ActorAddress } from '../src/core/targets.ts'

/** Who asks and wants the answer as an event: `self` of the asking machine, which is an address by the time it arrives elsewhere. */
export type Asker = ActorAddress | AnyActorRef

export const askerSchema = z.custom<Asker>(value => typeof value === 'object' && value !== null && ('logic' in value || isAddress(value)), 'an address is { address: "machine/key" }')

const isAddress = (value: object): boolean => /^[^/]+\/./.test(String((value as Partial<ActorAddress>).address))

/** A target for `sendTo`. */
export function actorOf(asker: Asker): AnyActorRef {
  if (!('address' in asker)) return asker
  return Object.assign(actorAt(asker.address), asker.path !== undefined && { path: asker.path })
}

/** The machine's action `answer`, with what it tells. */
export const tell = <TAsked, TAnswer>(give: (asked: TAsked) => TAnswer) => ({ type: 'answer', params: (asked: TAsked) => ({ answer: give(asked) }) }) as const
