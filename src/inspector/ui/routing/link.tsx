import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { navigate } from './location.ts'

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { readonly to: string }

/** A link inside the inspector: a real one, so that it opens in a new tab and shows where it goes. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return <a href={to} onClick={follow} {...rest} />
}

/** `machine/key` as the address of its page below `/actors`, or below another page that shows one actor or run. */
export function actorPath(address: string, page = 'actors'): string {
  const slash = address.indexOf('/')
  return `/${page}/${encodeURIComponent(address.slice(0, slash))}/${encodeURIComponent(address.slice(slash + 1))}`
}

export const ActorLink = ({ address, className }: { readonly address: string; readonly className?: string }) => (
  <Link to={actorPath(address)} className={`address ${className ?? ''}`}>
    {address}
  </Link>
)
