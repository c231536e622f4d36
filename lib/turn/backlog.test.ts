import { z } from 'zod'
import { createApp } from '../app/create-app.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../model/state-object.js'
import { topic, type Topic } from '../model/stream.js'
import { tumbling } from '../model/window.js'

interface Event {
  readonly key: string
  readonly at: number
}
const event = z.object({ key: z.string(), at: z.number() })
const timestamp = ({ at }: Event): number => at
const minute = 60_000
/** A day and more, a record a minute. */
const all: readonly Event[] = Array.from({ length: 2_000 }, (_, n) => ({ key: `k${n}`, at: n * minute }))

const late = topic('app-dlq', event)
const counted = topic('counted', z.number())
const unpaid = topic('unpaid', z.string())

/** What an app makes of records that were there before it, each topic as its pieces were sent. */
async function process<V>(
  kind: AnyStateObject,
  partitions: number,
  backlog: readonly (readonly [source: Topic<Event>, values: readonly Event[], partitionedBy: string])[],
  output: Topic<V>,
): Promise<{ readonly late: number; readonly output: readonly (V | null)[] }> {
  const log = memoryLog({ partitions })
  for (const [source, values, key] of backlog) await log.send(source, values, { key: () => key })
  await log.send(output, [])
  await using app = createApp({ id: 'app', objects: [kind], log, createTopics: true })
  await app.start()
  await app.drained()
  const read = async <T>(source: Topic<T>): Promise<(T | null)[]> => {
    const values = []
    for await (const { value } of log.read(source)) values.push(value)
    return values
  }
  return { late: (await read(late)).length, output: await read(output) }
}

/** Counts the records of each minute, whatever their key. */
const minutes = (source: Topic<Event>, route?: 'shuffle') =>
  stateObject('minute', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), window: tumbling('1m') })
    .on(source, { key: () => 'all', ...(route === undefined ? {} : { route }) }, (state) => {
      state.n++
    })
    .onClose(({ n }, turn) => turn.emit(counted, n))

describe('event time of a backlog that was there before the app', () => {
  const source = topic('source', event, { timestamp })

  it('waits for partitions whose records come through the inbox', async () => {
    // They are of different partitions.
    const backlog = [
      [source, all, 'a'],
      [source, all, 'd'],
    ] as const
    const { late, output } = await process(minutes(source), 2, backlog, counted)
    expect(late).toBe(0)
    expect(output).toEqual(all.slice(1).map(() => 2))
  })

  it('does not run ahead of records that are on their way to their own partition', async () => {
    const { late, output } = await process(minutes(source, 'shuffle'), 1, [[source, all, 'a']], counted)
    expect(late).toBe(0)
    expect(output).toEqual(all.slice(1).map(() => 1))
  })

  it('waits for the other input of a join', async () => {
    const orders = topic('orders', event, { timestamp })
    const payments = topic('payments', event, { timestamp })
    const order = stateObject('order', { state: z.object({ paid: z.boolean() }), init: () => ({ paid: false }) })
      .timers({ due: z.null() }, { time: 'event' })
      .on(orders, keyOf, (_state, _order, turn) => turn.timer('due', '10m', null))
      .on(payments, keyOf, (state) => {
        state.paid = true
      })
      .onTimer('due', ({ paid }, _none, turn) => {
        if (!paid) turn.emit(unpaid, turn.key)
      })
    const backlog = [
      [orders, all, 'a'],
      [payments, all.map(({ key, at }) => ({ key, at: at + minute })), 'a'],
    ] as const
    const { output } = await process(order, 1, backlog, unpaid)
    expect(output).toEqual([])
  })
})

function keyOf({ key }: Event): string {
  return key
}
