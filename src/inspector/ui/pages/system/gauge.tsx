interface GaugeProps {
  readonly name: string
  readonly value: number
  /** Null for no bound. */
  readonly max: number | null
  readonly text: (value: number) => string
}

/** Nearly full from here on. */
const HIGH = 0.85

/** How much of what there is room for. */
export const Gauge = ({ name, value, max, text }: GaugeProps) => (
  <li className="card figure">
    <span className="small muted">{name}</span>
    <strong>{text(value)}</strong>
    {max !== null && max > 0 && (
      <>
        <meter className={value / max >= HIGH ? 'is-high' : ''} min={0} max={max} value={Math.min(value, max)} aria-label={name} />
        <span className="small muted">of {text(max)}</span>
      </>
    )}
  </li>
)
