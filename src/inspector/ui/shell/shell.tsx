import { Suspense, useEffect } from 'react'
import { keepCounting } from '../data/counts.ts'
import { pages } from '../pages.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { FailureBorder } from '../parts/failure-border.tsx'
import { Notices } from '../parts/notices.tsx'
import { Skeleton } from '../parts/skeleton.tsx'
import { Link } from '../routing/link.tsx'
import { navigate, usePath } from '../routing/location.ts'
import { matchPath } from '../routing/match.ts'
import { Navigation } from './navigation.tsx'
import { TopBar } from './top-bar.tsx'

/** The frame of every page: where one can go, where one is, and whether the server answers. */
export function Shell() {
  const path = usePath()
  useEffect(keepCounting, [])
  useEffect(() => {
    if (path === '/' || path === '/index.html') navigate('/actors', { replace: true })
  }, [path])
  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <Navigation path={path} />
      <TopBar />
      <main id="content" tabIndex={-1}>
        <FailureBorder place={path}>
          <Suspense fallback={<Skeleton />}>
            <PageAt path={path} />
          </Suspense>
        </FailureBorder>
      </main>
      <Notices />
    </div>
  )
}

function PageAt({ path }: { readonly path: string }) {
  for (const { path: pattern, content: Content } of pages) {
    const params = matchPath(pattern, path)
    if (params) return <Content key={path} params={params} />
  }
  if (path === '/') return <Skeleton />
  return (
    <EmptyState icon="search" title="There is no such page">
      Go to the <Link to="/actors">actors</Link>, or press <kbd>⌘K</kbd> to find what you are looking for.
    </EmptyState>
  )
}
