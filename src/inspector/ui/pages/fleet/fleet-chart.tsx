import { useEffect, useState } from 'react'
import type { Chart } from '../../../protocol.ts'
import { createActivity } from '../../chart/activity.ts'
import { ChartView } from '../../chart/chart-view.tsx'
import type { HeatMap } from './heat.ts'
import './fleet.css'

interface FleetChartProps {
  readonly chart: Chart
  readonly hash: string
  readonly heat?: HeatMap
  /** Path of the state that is lit. */
  readonly selected?: string | undefined
  readonly onSelect?: (path: string) => void
}

const NONE: ReadonlySet<string> = new Set()

/** A machine's statechart that shows no single actor: as a heat map of all of them, or plain. */
export function FleetChart({ chart, hash, heat, selected, onSelect }: FleetChartProps) {
  const [activity] = useState(createActivity)
  useEffect(() => {
    activity.set({ active: selected === undefined ? NONE : new Set([selected]), taken: NONE, ...(heat && { heat }) })
  }, [activity, heat, selected])
  return (
    <div className="card fleet-chart">
      <ChartView chart={chart} hash={hash} activity={activity} {...(onSelect && { onState: onSelect })} />
    </div>
  )
}
