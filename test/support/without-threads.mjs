// `node --import`: threads of this process end as soon as they begin.
import { isMainThread } from 'node:worker_threads'

if (!isMainThread) process.exit(7)
