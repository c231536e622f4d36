import { systemClock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import type { LogPort } from '../../log/port.js'
import { CliError } from './exits.js'
import type { Output } from './output.js'

/** Rejects when brokers have not answered for so long; never resolves. The log itself would try for ever. */
export async function whenAway(log: LogPort, timeoutMs: number, signal: AbortSignal): Promise<never> {
  let since: number | undefined
  while (!signal.aborted) {
    await systemClock.sleep(200, signal)
    const { trouble } = log
    const now = systemClock.elapsed()
    if (trouble === undefined) since = undefined
    // It is told of after two seconds.
    else since ??= now - 2_000
    if (since !== undefined && now - since >= timeoutMs)
      throw new CliError(
        'unreachable',
        `${trouble}. See to --brokers, and to ssl and sasl in --config; --timeout says how long is waited.`,
      )
  }
  return await new Promise<never>(() => undefined)
}

/** Of the library: all of it with `--debug`, else only that something is still tried, since somebody is waiting for it. */
export function cliLogger(output: Output, debug: boolean): Logger {
  const line = (level: string) => (fields: object, message?: string) => {
    if (debug) output.note(`${level} ${message ?? ''} ${JSON.stringify(fields)}`)
  }
  const waiting = (fields: object): void => {
    const { what, reason } = fields as { readonly what?: unknown; readonly reason?: unknown }
    output.note(`still trying: ${String(what)} (${String(reason)})`)
  }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: (fields, message) => {
      if (debug) line('warn')(fields, message)
      else if (message === 'still trying') waiting(fields)
    },
    error: line('error'),
  }
}
