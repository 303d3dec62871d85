import type { Run } from '../command.ts'
import { laidOut, stepLine } from '../output/views.ts'
import { stepsOf } from './steps-of.ts'

export const history: Run<{ readonly from?: number; readonly limit?: number; readonly full?: boolean }> = async ({ args: [address = ''], options: { from = 0, limit = Infinity, full = false }, out, signal, client: connect }) => {
  const client = await connect()
  let count = 0
  for await (const step of stepsOf(client, { address, from, full, limit }, signal)) {
    count++
    if (out.json) {
      out.item(step)
      continue
    }
    out.line(...stepLine(out, step))
    if (step.context !== undefined) out.block(laidOut(step.context), '      ')
    if (step.output !== undefined) out.block(`output ${laidOut(step.output)}`, '      ')
  }
  if (count === 0) out.note(`${address} has no steps above ${from}.`)
}
