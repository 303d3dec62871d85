import type { Run } from '../command.ts'
import { ago } from '../output/format.ts'

export const stuck: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const page = await client.stuck({}, { signal })
  out.answer(page, () => {
    if (page.actors.length === 0) return out.note(`None of ${page.judged} active actors is stuck.`)
    out.table(page.actors, [
      { head: 'ADDRESS', cell: ({ address }) => address, min: 12 }, { head: 'STATE', cell: ({ states }) => states.join(' ') }, { head: 'SINCE', cell: ({ since }) => ago(since), min: 9 }, { head: 'WHY', cell: ({ reason }) => reason, min: 16 },
    ])
  })
}
