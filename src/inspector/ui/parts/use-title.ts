import { useEffect } from 'react'

/** Names the browser's tab: `(3) Approvals · Troupe`. */
export function useTitle(title: string, count?: number): void {
  useEffect(() => {
    document.title = `${count === undefined ? '' : `(${count}) `}${title} · Troupe`
  }, [title, count])
}
