import { parseArgs } from 'node:util'
import { events, eventTopic, openLog, whole } from '../shared/setting.js'

/**
 * Sends records evenly spaced in time, from a process of its own: `--topic`, `--rate` a second, for `--seconds`. Each says when it
 * was due, which a sender that is late does not put off.
 */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    topic: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    key: { type: 'string' },
  },
})
const rate = whole(args.rate, 5_000)
const count = rate * whole(args.seconds, 20)
const target = eventTopic(args.topic ?? '')
const byItem = args.key === 'item'

const log = openLog(args.brokers)
const source = events(count, 10_000)[Symbol.iterator]()
const begin = performance.now()
const sends: Promise<unknown>[] = []
for (let sent = 0; sent < count;) {
  const due = Math.min(count, Math.floor(((performance.now() - begin) / 1_000) * rate))
  const batch = []
  for (; sent < due; sent++) {
    const ts = performance.timeOrigin + begin + (sent / rate) * 1_000
    batch.push({ ...source.next().value!, ts })
  }
  if (batch.length > 0) sends.push(log.send(target, batch, { key: (e) => (byItem ? e.item : e.user) }))
  // As a client that lingers for 5 ms does: a request for each record would measure the broker.
  await new Promise((resolve) => setTimeout(resolve, 5))
}
await Promise.all(sends)
await log[Symbol.asyncDispose]()
