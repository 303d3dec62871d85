import { useCallback, useEffect, useRef, useState } from 'react'

/** What of a scrolled element is seen, in its own coordinates. */
export interface Viewport {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const NOTHING: Viewport = { left: 0, top: 0, width: 0, height: 0 }

/** Follows what is seen of an element, once per frame at most: what lies outside need not be drawn. */
export function useViewport<TElement extends HTMLElement>() {
  const ref = useRef<TElement>(null)
  const frame = useRef(0)
  const [viewport, setViewport] = useState(NOTHING)
  const measure = useCallback(() => {
    cancelAnimationFrame(frame.current)
    frame.current = requestAnimationFrame(() => {
      const element = ref.current
      if (element) setViewport({ left: element.scrollLeft, top: element.scrollTop, width: element.clientWidth, height: element.clientHeight })
    })
  }, [])
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      cancelAnimationFrame(frame.current)
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [measure])
  return [ref, viewport] as const
}
