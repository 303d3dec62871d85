/** Longest wait of an item in a page that is not drawn, because nobody sees it. */
const UNSEEN_MS = 500

/** Gathers items and gives them away together when the browser draws its next frame. */
export function batchByFrame<T>(deliver: (items: readonly T[]) => void): { readonly add: (item: T) => void; readonly cancel: () => void } {
  let items: T[] = []
  let frame = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const cancel = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    timer = undefined
  }
  const flush = (): void => {
    cancel()
    const gathered = items
    items = []
    deliver(gathered)
  }
  return {
    add: item => {
      items.push(item)
      if (timer !== undefined) return
      timer = setTimeout(flush, UNSEEN_MS)
      frame = requestAnimationFrame(flush)
    },
    cancel,
  }
}
