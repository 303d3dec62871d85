/** Hears of every rejection that nobody handles, alone: a test runner would fail for them by itself. */
export async function withRejections<T>(run: () => Promise<T>, onUnhandled: (error: unknown) => void): Promise<T> {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', onUnhandled)
  try {
    return await run()
  } finally {
    // Rejections are told after all ticks.
    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', onUnhandled)
    for (const other of others) process.on('unhandledRejection', other)
  }
}
