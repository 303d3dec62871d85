import { createRuntime } from 'troupe'
import type { Clock, Machines, Runtime, RuntimeOptions, Store } from 'troupe'
import { createMemoryStore, createVirtualClock } from 'troupe/testing'
import type { VirtualClock } from 'troupe/testing'

export interface MemoryCluster<TMachines extends Machines> {
  readonly clock: VirtualClock
  /** Opens another node; the first is number 1. */
  open(): Promise<Runtime<TMachines>>
  /** From now on a node does nothing by itself and hears nothing: for the others it is dead. */
  silence(node: number): void
}

/** Runtimes of one process over one store, as nodes over one Redis. */
export function createMemoryCluster<TMachines extends Machines>(partitions: number, machinesOf: (node: number) => TMachines, limits: RuntimeOptions['limits'] & object): MemoryCluster<TMachines> {
  const clock = createVirtualClock()
  const store = createMemoryStore({ partitions, shared: true })
  const silent = new Set<number>()
  let nodes = 0
  return {
    clock,
    open() {
      const node = ++nodes
      const isDead = (): boolean => silent.has(node)
      return createRuntime({ machines: machinesOf(node), store: deafStore(store, isDead), clock: clockOf(clock, () => !isDead()), limits })
    },
    silence: node => void silent.add(node),
  }
}

/** A clock that stands still for a process that is dead. */
const clockOf = (clock: Clock, isAlive: () => boolean): Clock => {
  const whileAlive = (fn: () => void) => () => isAlive() && fn()
  return { now: () => clock.now(), setTimer: (fn, ms, upkeep) => clock.setTimer(whileAlive(fn), ms, upkeep), clearTimer: handle => clock.clearTimer(handle), soon: fn => clock.soon(whileAlive(fn)) }
}

/** A store that tells a process that is dead nothing any more. */
const deafStore = (store: Store, isDead: () => boolean): Store =>
  new Proxy(store, {
    get(target, name) {
      if (name !== 'subscribe') return Reflect.get(target, name, target) as unknown
      return (...[listener, scope]: Parameters<Store['subscribe']>) => target.subscribe(change => !isDead() && listener(change), scope)
    },
  })
