/** Aborts at Ctrl-C or SIGTERM; a second one ends the process at once. */
export function interrupts(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

let whenGone = (): void => process.exit(0)

/** Whoever reads has enough (`millrace … | head`): that is no error, and ends the process. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      whenGone()
    })
  }
}

/** For a command that has something to bring to its end first. */
export function onReaderGone(end: () => void): void {
  whenGone = end
}
