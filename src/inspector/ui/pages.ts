import { lazy } from 'react'
import type { ComponentType, LazyExoticComponent } from 'react'
import type { CountName } from './data/counts.ts'
import type { IconName } from './parts/icon.tsx'
import type { Params } from './routing/match.ts'

export interface PageProps {
  /** Parts of the address, by the names in the page's path. */
  readonly params: Params
}

interface Page {
  readonly path: string
  readonly content: LazyExoticComponent<ComponentType<PageProps>>
}

/** Each page is a chunk of its own, fetched when it is first shown. */
const page = (path: string, load: () => Promise<ComponentType<PageProps>>): Page => ({ path, content: lazy(async () => ({ default: await load() })) })

export const pages: readonly Page[] = [
  page('/actors', async () => (await import('./pages/actors/actor-list-page.tsx')).ActorListPage),
  page('/actors/:machine/:key', async () => (await import('./pages/actor/actor-page.tsx')).ActorPage),
  page('/approvals', async () => (await import('./pages/approvals/approvals-page.tsx')).ApprovalsPage),
  page('/dead-letters', async () => (await import('./pages/letters/letters-page.tsx')).LettersPage),
  page('/runs', async () => (await import('./pages/run/runs-page.tsx')).RunsPage),
  page('/runs/:machine/:key', async () => (await import('./pages/run/run-page.tsx')).RunPage),
  page('/fleet', async () => (await import('./pages/fleet/fleets-page.tsx')).FleetsPage),
  page('/fleet/:machine', async () => (await import('./pages/fleet/fleet-page.tsx')).FleetPage),
  page('/system', async () => (await import('./pages/system/system-page.tsx')).SystemPage),
  page('/webhooks', async () => (await import('./pages/webhooks/webhooks-page.tsx')).WebhooksPage),
  page('/guests', async () => (await import('./pages/guests/guests-page.tsx')).GuestsPage),
  page('/guests/:id', async () => (await import('./pages/guests/guest-page.tsx')).GuestPage),
]

export interface NavigationItem {
  readonly to: string
  readonly name: string
  readonly icon: IconName
  readonly count?: CountName
}

export const navigation: readonly NavigationItem[] = [
  { to: '/actors', name: 'Actors', icon: 'actors', count: 'actors' },
  { to: '/approvals', name: 'Approvals', icon: 'approvals', count: 'approvals' },
  { to: '/dead-letters', name: 'Dead letters', icon: 'letters', count: 'letters' },
  { to: '/runs', name: 'Runs', icon: 'runs' },
  { to: '/fleet', name: 'Fleet', icon: 'fleet' },
  { to: '/system', name: 'System', icon: 'system' },
  { to: '/webhooks', name: 'Webhooks', icon: 'send' },
  { to: '/guests', name: 'Guests', icon: 'guests' },
]
