import { Background, Controls, ReactFlow, ReactFlowProvider, ViewportPortal } from '@xyflow/react'
import type { Node, NodeTypes } from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { createContext, memo, use, useEffect, useMemo, useState } from 'react'
import type { Chart } from '../../protocol.ts'
import { useSelected } from '../data/store.ts'
import type { Store } from '../data/store.ts'
import { Failure } from '../parts/failure.tsx'
import { Skeleton } from '../parts/skeleton.tsx'
import type { Activity } from './activity.ts'
import { ArrowLayer } from './arrow-layer.tsx'
import './chart.css'
import { START_PX, titleOf } from './diagram.ts'
import { layOut } from './layout.ts'
import type { Layout, PlacedBox } from './layout.ts'

interface ChartViewProps {
  readonly chart: Chart
  /** Of the machine's structure: what its layout is kept under. */
  readonly hash: string
  readonly activity: Store<Activity>
  readonly onState?: (path: string) => void
}

const ActivityContext = createContext<Store<Activity> | undefined>(undefined)
const FIT = { padding: 0.06, maxZoom: 1.1 } as const

/** The drawing of a machine, with what is active lit. Zoom and move with the pointer, or `+`, `-` and the arrow keys on its buttons. */
export const ChartView = memo(({ chart, hash, activity, onState }: ChartViewProps) => {
  const { layout, error } = useLayout(chart, hash)
  if (error) return <Failure error={error} />
  if (!layout) return <Skeleton lines={8} />
  return (
    <ActivityContext value={activity}>
      <ReactFlowProvider>
        <Drawing layout={layout} activity={activity} onState={onState} />
      </ReactFlowProvider>
    </ActivityContext>
  )
})

function useLayout(chart: Chart, hash: string): { readonly layout?: Layout; readonly error?: Error } {
  const [made, setMade] = useState<{ readonly chart?: Chart; readonly layout?: Layout; readonly error?: Error }>({})
  useEffect(() => {
    let isCurrent = true
    layOut(chart, hash).then(
      layout => isCurrent && setMade({ chart, layout }),
      (error: unknown) => isCurrent && setMade({ chart, error: new Error(`the machine ${chart.id} cannot be drawn: ${String(error)}`) }),
    )
    return () => {
      isCurrent = false
    }
  }, [chart, hash])
  return made.chart === chart ? made : {}
}

type StateNode = Node<{ readonly box: PlacedBox } & Record<string, unknown>, 'state'>
type StartNode = Node<Record<string, never>, 'start'>

interface DrawingProps {
  readonly layout: Layout
  readonly activity: Store<Activity>
  readonly onState: ((path: string) => void) | undefined
}

function Drawing({ layout, activity, onState }: DrawingProps) {
  const nodes = useMemo(() => nodesOf(layout), [layout])
  return (
    <ReactFlow<StateNode | StartNode>
      nodes={nodes}
      nodeTypes={nodeTypes}
      onNodeClick={(_, node) => node.type === 'state' && onState?.(node.data.box.state.path)}
      fitView
      fitViewOptions={FIT}
      minZoom={0.1}
      maxZoom={2}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      elementsSelectable={onState !== undefined}
      zoomOnDoubleClick={false}
      preventScrolling={false}
      zoomOnScroll={false}
      zoomActivationKeyCode={['Meta', 'Control']}
      proOptions={{ hideAttribution: true }}
      aria-label="Statechart"
    >
      <Background gap={18} />
      <ViewportPortal>
        <ArrowLayer layout={layout} activity={activity} />
      </ViewportPortal>
      <Controls showInteractive={false} fitViewOptions={FIT} />
    </ReactFlow>
  )
}

/** No arrow leads over a state without states, and none is to cross its number. */
const ABOVE_ARROWS = 70

const nodesOf = ({ boxes, starts }: Layout): (StateNode | StartNode)[] => [
  ...boxes.map((box): StateNode => ({
    id: box.id, type: 'state', data: { box }, position: { x: box.x, y: box.y }, width: box.width, height: box.height, zIndex: box.state.states.length > 0 ? box.depth : ABOVE_ARROWS,
    ...(box.parent !== undefined && { parentId: box.parent }),
  })),
  ...starts.map(({ id, parent, x, y }): StartNode => ({ id, type: 'start', data: {}, parentId: parent, position: { x, y }, width: START_PX, height: START_PX, zIndex: 50 })),
]

function StateBox({ data: { box } }: { readonly data: StateNode['data'] }) {
  const activity = use(ActivityContext)
  const { state, lines, depth } = box
  const isActive = useSelected(activity ?? NO_ACTIVITY, ({ active }) => depth === 0 || active.has(state.path))
  const heat = useSelected(activity ?? NO_ACTIVITY, all => (depth === 0 ? undefined : all.heat?.states.get(state.path)))
  return (
    <div className={`state-box state-${state.type} ${depth === 0 ? 'state-root' : ''} ${isActive ? 'is-active' : ''} ${heat ? `heat-${heat.level}` : ''}`} data-path={state.path} title={state.description ?? undefined}>
      <div className="state-title">
        <span>{titleOf(state)}</span>
        {state.tags.length > 0 && (
          <span className="state-tags" title={`Tags: ${state.tags.join(', ')}`}>
            #
          </span>
        )}
      </div>
      {heat && heat.text !== '' && <span className="state-heat">{heat.text}</span>}
      {lines.map((line, index) => (
        <div key={index} className="state-line">
          {line}
        </div>
      ))}
    </div>
  )
}

const NO_ACTIVITY: Store<Activity> = { get: () => NOTHING, set: () => undefined, subscribe: () => () => undefined }
const NOTHING: Activity = { active: new Set(), taken: new Set() }

const StartDot = () => <div className="start-dot" aria-hidden="true" />

const nodeTypes: NodeTypes = { state: memo(StateBox), start: memo(StartDot) }
