import { useEffect, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { Icon } from '../../../parts/icon.tsx'

interface TimeBarProps {
  readonly firstSeq: number
  readonly lastSeq: number
  /** Whether the actor has come to its end. */
  readonly isOver: boolean
  /** The step that is looked at; undefined at the present. */
  readonly at: number | undefined
  readonly onAt: (seq: number | undefined) => void
  readonly onFork: () => void
  readonly onCompare: () => void
}

const PLAY_MS = 700

/** Through the history: drag, ← and →, Home and End, or let it play. Right of its end is the present, which goes on. */
export function TimeBar({ firstSeq, lastSeq, isOver, at, onAt, onFork, onCompare }: TimeBarProps) {
  const [isPlaying, setPlaying] = useState(false)
  const seq = Math.min(at ?? lastSeq, lastSeq)
  const [startedBehind, setStarted] = useState<number>()
  const go = (next: number): void => onAt(next >= lastSeq ? undefined : Math.max(next, firstSeq))

  useEffect(() => {
    setStarted(at === undefined ? undefined : known => known ?? lastSeq)
  }, [at, lastSeq])
  // An actor that goes on all the time must not hold up what is played.
  const goOn = useRef(go)
  useEffect(() => {
    goOn.current = go
  })
  useEffect(() => {
    if (!isPlaying) return
    if (at === undefined) return setPlaying(false)
    const timer = setTimeout(() => goOn.current(at + 1), PLAY_MS)
    return () => clearTimeout(timer)
  }, [isPlaying, at])

  const onKey = (event: KeyboardEvent): void => {
    const next = { ArrowLeft: seq - 1, ArrowDown: seq - 1, ArrowRight: seq + 1, ArrowUp: seq + 1, PageDown: seq - 10, PageUp: seq + 10, Home: firstSeq, End: lastSeq }[event.key]
    if (event.key === ' ') {
      event.preventDefault()
      setPlaying(is => !is)
    } else if (next !== undefined) {
      event.preventDefault()
      go(next)
    }
  }
  const play = (): void => {
    if (at === undefined) onAt(firstSeq)
    setPlaying(is => !is)
  }
  const moved = startedBehind === undefined ? 0 : lastSeq - startedBehind
  return (
    <section className="time-bar card" aria-label="Time travel">
      <div className="row time-buttons">
        <button type="button" className="quiet" aria-label="Step before" title="Step before (←)" disabled={seq <= firstSeq} onClick={() => go(seq - 1)}>
          <Icon name="left" />
        </button>
        <button type="button" className="quiet" aria-label={isPlaying ? 'Pause playing' : 'Play the history'} onClick={play} disabled={lastSeq <= firstSeq}>
          <Icon name={isPlaying ? 'pause' : 'play'} />
        </button>
        <button type="button" className="quiet" aria-label="Step after" title="Step after (→)" disabled={at === undefined} onClick={() => go(seq + 1)}>
          <Icon name="right" />
        </button>
      </div>
      <input
        type="range"
        aria-label="Step of the history"
        aria-valuetext={at === undefined ? `the present, step ${lastSeq}` : `step ${seq} of ${lastSeq}`}
        min={firstSeq}
        max={Math.max(lastSeq, firstSeq + 1)}
        value={seq}
        disabled={lastSeq <= firstSeq}
        onChange={event => go(Number(event.target.value))}
        onKeyDown={onKey}
      />
      <output className="time-place">
        {at === undefined ? (
          <>
            {!isOver && <span className="live-dot" aria-hidden="true" />} {isOver ? 'ended' : 'live'}, step {lastSeq}
          </>
        ) : (
          <>
            step {seq} of {lastSeq}
          </>
        )}
      </output>
      <div className="row time-actions">
        {at !== undefined && (
          <button type="button" className="primary" onClick={() => onAt(undefined)}>
            Back to {isOver ? 'the end' : 'live'}{moved > 0 ? ` (${moved.toLocaleString('en')} new)` : ''}
          </button>
        )}
        <button type="button" onClick={onFork}>
          <Icon name="fork" size={16} /> Fork
        </button>
        <button type="button" onClick={onCompare} disabled={lastSeq <= firstSeq}>
          <Icon name="compare" size={16} /> Compare
        </button>
      </div>
    </section>
  )
}
