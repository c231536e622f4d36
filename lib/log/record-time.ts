import type { TimeLimits } from './batch-rules.js'

/** Why a topic does not take a timestamp; undefined when it does. */
export function mistimed({ afterMs, beforeMs }: TimeLimits, timestamp: number, now: number): string | undefined {
  if (timestamp > now + afterMs)
    return `more than ${afterMs} ms ahead of the clock, which the topic refuses (message.timestamp.after.max.ms)`
  if (timestamp < now - beforeMs)
    return `more than ${beforeMs} ms behind the clock, which the topic refuses (message.timestamp.before.max.ms)`
  return undefined
}
