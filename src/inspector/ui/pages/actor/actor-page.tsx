import type { PageProps } from '../../pages.ts'
import { useTitle } from '../../parts/use-title.ts'

export function ActorPage({ params }: PageProps) {
  const address = `${params['machine']}/${params['key']}`
  useTitle(address)
  return <div className="page"><h1>{address}</h1></div>
}
