/** Outlines on a grid of 24, drawn for this. */
const outlines = {
  actors: 'M12 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6M5.5 14.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M18.5 14.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M10.5 9.7l-3.6 5M13.5 9.7l3.6 5',
  approvals: 'M9 12l2.2 2.2L15.5 10M12 3l7.5 3v5.5c0 4.6-3.2 8-7.5 9.5-4.3-1.5-7.5-4.9-7.5-9.5V6z',
  letters: 'M3.5 6h17v12h-17zM3.5 7l8.5 6 8.5-6',
  runs: 'M5 6h8M9 12h10M7 18h7M4 3v18',
  fleet: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  system: 'M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01',
  guests: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M17 8v6M14 11h6',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14M16 16l4.5 4.5',
  sun: 'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400',
  moon: 'M19.5 14.5A8 8 0 1 1 9.5 4.5a6.5 6.5 0 0 0 10 10z',
  screen: 'M3.5 5h17v11h-17zM9 20h6M12 16v4',
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M8 5v14M16 5v14',
  stop: 'M6 6h12v12H6z',
  cancel: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12l16-8-5 16-3.5-6.5zM11.5 13.5L20 4',
  fork: 'M7 4v16M7 12c6 0 10-1 10-6M4.5 6.5L7 4l2.5 2.5M14.5 8.5L17 6l2.5 2.5',
  compare: 'M4 5h7v14H4zM13 5h7v14h-7M7.5 9v6M16.5 9v6',
  clock: 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16M12 8v4.5l3 2',
  task: 'M13 3L5 14h6l-1 7 8-11h-6z',
  tree: 'M5 4v14h5M5 10h5M12 7.5h7v5h-7zM12 15.5h7v5h-7z',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  down: 'M5 9l7 7 7-7',
  warning: 'M12 4l9 16H3zM12 10v5M12 17.5h.01',
  star: 'M12 4l2.5 5.200 5.5.8-4 4 .9 5.700-4.9-2.700-4.9 2.700.9-5.700-4-4 5.5-.8z',
  plus: 'M12 5v14M5 12h14',
  fit: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
} as const

export type IconName = keyof typeof outlines

/** Decorative: the text beside it, or the label of its button, says what it stands for. */
export const Icon = ({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) => (
  <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={outlines[name]} />
  </svg>
)
