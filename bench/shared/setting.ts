import { kafkaLog, memoryLog, type Guarantee, type Log, type LogClient } from 'millrace'
import { z } from 'zod'
import { topic } from 'millrace'

/** About 100 bytes as JSON. */
export const event = z.object({
  user: z.string(),
  item: z.string(),
  qty: z.number(),
  price: z.number(),
  ts: z.number(),
  src: z.string(),
})
export type Event = z.infer<typeof event>

export const partitions = 4

/** The log under test. On Kafka every run has topics of its own. */
export function openLog(brokers: string | undefined): Log & LogClient {
  return brokers === undefined ? memoryLog({ partitions }) : kafkaLog({ brokers: brokers.split(',') })
}

export function runName(bench: string): string {
  return `bench-${bench}-${Date.now().toString(36)}`
}

export function eventTopic(name: string) {
  return topic(name, event, { partitions })
}

/**
 * `count` events over `keys` users, the same for the same arguments. Their own time is long past, so do not make it the
 * record's timestamp: brokers delete what is older than a topic's retention.
 */
export function* events(count: number, keys: number): Iterable<Event> {
  let random = 12_345
  const start = 1_700_000_000_000
  for (let n = 0; n < count; n++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    const user = `user-${Math.floor((random / 2 ** 32) * keys)}`
    yield {
      user,
      item: `sku-${random % 9_973}`,
      qty: random % 10,
      price: (random % 10_000) / 100,
      ts: start + n,
      src: 'web',
    }
  }
}

export function guaranteeOf(value: string | undefined): Guarantee {
  if (value === undefined || value === 'exactly-once' || value === 'at-least-once') return value ?? 'exactly-once'
  throw new Error(`--guarantee ${value}: use exactly-once or at-least-once`)
}

export function whole(value: string | undefined, fallback: number): number {
  const number = Number(value ?? fallback)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`${value}: a whole number above 0 is needed`)
}

/** The one line of a bench; exit code 1 when its own check failed. */
export function report(result: { readonly bench: string; readonly verified: boolean } & Record<string, unknown>): void {
  console.log(JSON.stringify(result))
  if (!result.verified) process.exitCode = 1
}

export const peakMemoryMB = (): number => Math.round(process.resourceUsage().maxRSS / 1024)

/** CPU seconds of this process, all threads, since `from`. */
export function cpuSeconds(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1e6
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))
