/** Bounds of what is kept of other apps' actors; all of it is in memory only. */
export const guestLimits = {
  /** Of all apps together; then those go that have not changed for longest, the gone before the connected. */
  guestsMax: 1_000,
  /** Characters of the machines and states of all guests together, and of one of each: above it is not kept. */
  guestCharsMax: 64 << 20,
  partCharsMax: 256 << 10,
  /** What they have told lately, all together. */
  entriesMax: 10_000,
  entryCharsMax: 16 << 20,
} as const
