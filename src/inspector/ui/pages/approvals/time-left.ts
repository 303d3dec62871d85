/** Time until something is due, as a clock counts it down: `0:09`, `12:05`, `3:00:00`, `2 d 4:00:00`. Nothing is left when it is over. */
export function timeLeft(dueAt: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((dueAt - now) / 1_000))
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60]
  const two = (number: number): string => String(number).padStart(2, '0')
  const clock = hours > 0 || days > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
  return days > 0 ? `${days} d ${clock}` : clock
}
