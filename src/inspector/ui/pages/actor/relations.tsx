import type { Json, OutputOf, Snapshot } from '../../../protocol.ts'
import { Countdown, fullTime } from '../../parts/ago.tsx'
import { Icon } from '../../parts/icon.tsx'
import { eventWords } from './log/step-words.ts'
import { ActorLink } from '../../routing/link.tsx'

interface RelationsProps {
  readonly actor: Snapshot
  /** Durable actors that it has spawned. */
  readonly spawned: OutputOf<'listActors'>['actors']
  readonly progress: ReadonlyMap<string, Json>
  /** A past state counts nothing down. */
  readonly isPast: boolean
}

/** What belongs to the actor: its parent and children, the timers it waits for, the tasks it runs. */
export const Relations = ({ actor, spawned, progress, isPast }: RelationsProps) => (
  <div className="stack">
    <Family actor={actor} spawned={spawned} />
    <Timers actor={actor} isPast={isPast} />
    <Tasks actor={actor} progress={progress} isPast={isPast} />
  </div>
)

function Family({ actor: { address, parent, run, children }, spawned }: Pick<RelationsProps, 'actor' | 'spawned'>) {
  const inTree = children.flatMap(child => (child.address === null ? [] : [child.address]))
  const others = spawned.filter(actor => !inTree.includes(actor.address))
  return (
    <section aria-label="Children and parents">
      <h3>Children and parents</h3>
      <dl className="facts">
        <dt>Parent</dt>
        <dd>{parent === null ? <span className="muted">none: it is the root of its run</span> : <ActorLink address={parent} />}</dd>
        {run !== address && (
          <>
            <dt>Run</dt>
            <dd>
              <ActorLink address={run} />
            </dd>
          </>
        )}
        <dt>Children</dt>
        <dd>
          {children.length + others.length === 0 && <span className="muted">none</span>}
          <ul className="stack-small">
            {children.map(child => (
              <li key={child.path}>
                <span className="chip">{child.kind}</span> {child.address === null ? <code>{child.path.replace(/^\//, '')}</code> : <ActorLink address={child.address} />}{' '}
                <span className="muted small">
                  {child.src}, {child.status}
                  {child.value !== null && ` in ${typeof child.value === 'string' ? child.value : JSON.stringify(child.value)}`}
                </span>
              </li>
            ))}
            {others.map(other => (
              <li key={other.address}>
                <span className="chip">actor</span> <ActorLink address={other.address} /> <span className="muted small">{other.status}</span>
              </li>
            ))}
          </ul>
        </dd>
      </dl>
    </section>
  )
}

const Timers = ({ actor: { timers, status }, isPast }: Pick<RelationsProps, 'actor' | 'isPast'>) => (
  <section aria-label="Timers">
    <h3>
      <Icon name="clock" size={16} /> Timers
    </h3>
    {timers.length === 0 ? (
      <p className="muted">It waits for no time.</p>
    ) : (
      <table>
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">Due</th>
          </tr>
        </thead>
        <tbody>
          {timers.map(timer => (
            <tr key={`${timer.source} ${timer.id}`}>
              <td>
                <span className="wrap" title={timer.event}>{eventWords(timer.event)}</span>
              </td>
              <td>{isPast || status !== 'active' ? fullTime(timer.dueAt) : <Countdown to={timer.dueAt} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
)

const Tasks = ({ actor: { tasks }, progress, isPast }: Omit<RelationsProps, 'spawned'>) => (
  <section aria-label="Tasks">
    <h3>
      <Icon name="task" size={16} /> Tasks
    </h3>
    {tasks.length === 0 ? (
      <p className="muted">It runs no task.</p>
    ) : (
      <table>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Attempt</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map(task => (
            <tr key={task.id}>
              <td>
                <code className="wrap">{task.name || task.path}</code>
                {progress.has(task.path) && <p className="muted small wrap">{progressText(progress.get(task.path))}</p>}
              </td>
              <td>
                {task.attempt}
                {task.failures + task.crashes > 0 && (
                  <span className="muted small">
                    {' '}
                    ({task.failures} failed, {task.crashes} crashed)
                  </span>
                )}
              </td>
              <td>{task.dueAt === null ? 'running' : isPast ? 'waits' : <Countdown to={task.dueAt} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
)

const progressText = (progress: Json | undefined): string => (typeof progress === 'string' ? progress : JSON.stringify(progress)).slice(-300)
