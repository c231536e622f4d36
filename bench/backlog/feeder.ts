// A process of its own, so that its memory is not measured: fills one partition, then feeds the others at a steady rate until
// it is told to stop. Says `filled`, and at its end how many records it has sent in all.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { kafkaLog, text, topic } from 'millrace'
import { events, partitions, whole, type Event } from '../shared/setting.js'
import { inputOf } from './program.js'

const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    id: { type: 'string' },
    backlog: { type: 'string' },
    rate: { type: 'string' },
  },
})
const { brokers = '', id = '' } = args
const backlog = whole(args.backlog, 1)
const rate = whole(args.rate, 1)
const candidates = 40_000

const log = kafkaLog({ brokers: brokers.split(',') })
const input = inputOf(id)
const users = await usersByPartition()
let stopped = false
process.once('message', () => (stopped = true))

let sent = 0
await log.send(input, full(), { key: (e) => e.user })
process.send?.('filled')
await log.send(input, trickle(), { key: (e) => e.user })
process.send?.({ sent })
await log[Symbol.asyncDispose]()
process.disconnect?.()

/** Which users the partitioner puts where: sent once, and read again. */
async function usersByPartition(): Promise<string[][]> {
  const probe = topic(`${id}-probe`, text(), { partitions })
  const names = Array.from({ length: candidates }, (_, n) => `user-${n}`)
  await log.send(probe, names, { key: (name) => name })
  const found: string[][] = Array.from({ length: partitions }, () => [])
  for await (const { value, record } of log.read(probe)) if (value !== null) found[record.partition]?.push(value)
  return found
}

function* full(): Iterable<Event> {
  const [first = []] = users
  for (const event of events(backlog, first.length)) yield { ...event, user: first[sent++ % first.length]! }
}

async function* trickle(): AsyncIterable<Event> {
  const others = users.slice(1).flat()
  const everyMs = 20
  const due = (rate * everyMs) / 1_000
  while (!stopped) {
    for (const event of events(due, others.length)) yield { ...event, user: others[sent++ % others.length]! }
    await sleep(everyMs)
  }
}
