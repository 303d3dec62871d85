import { counts } from '../data/counts.ts'
import { useStore } from '../data/store.ts'
import { navigation } from '../pages.ts'
import { Icon } from '../parts/icon.tsx'
import { Link } from '../routing/link.tsx'

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' })

/** At the left of wide windows, at the bottom of narrow ones. */
export function Navigation({ path }: { readonly path: string }) {
  const current = useStore(counts)
  return (
    <nav className="navigation" aria-label="Pages">
      <Link to="/actors" className="brand">
        <img src={new URL('../icon.svg', import.meta.url).href} alt="" width={24} height={24} />
        <span>Troupe</span>
      </Link>
      <ul>
        {navigation.map(({ to, name, icon, count }) => {
          const number = count && current[count]
          const isCurrent = path === to || path.startsWith(`${to}/`)
          return (
            <li key={to}>
              <Link to={to} aria-current={isCurrent ? 'page' : undefined} title={name}>
                <Icon name={icon} />
                <span className="navigation-name">{name}</span>
                {number ? <span className="count">{COMPACT.format(number)}</span> : null}
              </Link>
            </li>
          )
        })}
      </ul>
    </nav>
  )
}
