import type { ActorStatus } from '../../protocol.ts'

/** The status of an actor as a word, with a colour that repeats it. */
export const StatusBadge = ({ status }: { readonly status: ActorStatus }) => <span className={`badge status-${status}`}>{status}</span>
