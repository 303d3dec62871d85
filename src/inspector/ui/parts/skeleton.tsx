/** Grey lines where content is about to stand. */
export const Skeleton = ({ lines = 6 }: { readonly lines?: number }) => (
  <div className="skeleton" role="status" aria-label="Loading">
    {Array.from({ length: lines }, (_, line) => (
      <span key={line} />
    ))}
  </div>
)
