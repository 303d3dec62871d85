import { useTitle } from '../../parts/use-title.ts'

export function ActorListPage() {
  useTitle('Actors')
  return <div className="page"><h1>Actors</h1></div>
}
