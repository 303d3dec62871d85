import { Link } from '../../routing/link.tsx'
import type { Shape } from './drawing.ts'

/** What is drawn, as elements of an `<svg>`; what leads somewhere is a link, so that a keyboard reaches it. */
export const Shapes = ({ shapes }: { readonly shapes: readonly Shape[] }) => shapes.map(shape => <ShapeElement key={shape.key} shape={shape} />)

function ShapeElement({ shape: { tag: Tag, className, attributes, text, title, href } }: { readonly shape: Shape }) {
  const element = (
    <Tag className={className} {...attributes}>
      {title !== undefined && <title>{title}</title>}
      {text}
    </Tag>
  )
  // Who speaks to the page says what it shows: a name that is cut stands in the label as it is.
  const label = [text, title].filter((part, index, all) => part !== undefined && !(index === 0 && all[1]?.includes(part))).join(', ')
  return href === undefined ? element : <Link to={href} aria-label={label}>{element}</Link>
}
