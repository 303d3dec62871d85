/** Least time between two updates of what is shown: twenty a second look live, and leave the page time for its user. */
const BETWEEN_MS = 50
/** Longest wait of an item in a page that is not drawn, because nobody sees it. */
const UNSEEN_MS = 500

/** Gathers items and gives them away together when the browser draws a frame: the first at once, others at most so often. */
export function batchByFrame<T>(deliver: (items: readonly T[]) => void): { readonly add: (item: T) => void; readonly cancel: () => void } {
  let items: T[] = []
  let frame = 0
  let pause: ReturnType<typeof setTimeout> | undefined
  let unseen: ReturnType<typeof setTimeout> | undefined
  const cancel = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(pause)
    clearTimeout(unseen)
    unseen = pause = undefined
  }
  const flush = (): void => {
    cancel()
    if (items.length === 0) return
    const gathered = items
    items = []
    pause = setTimeout(flushAtFrame, BETWEEN_MS)
    deliver(gathered)
  }
  const flushAtFrame = (): void => {
    pause = undefined
    if (items.length === 0) return
    unseen ??= setTimeout(flush, UNSEEN_MS)
    frame = requestAnimationFrame(flush)
  }
  return {
    add: item => {
      if (items.push(item) === 1 && pause === undefined) flushAtFrame()
    },
    cancel,
  }
}
