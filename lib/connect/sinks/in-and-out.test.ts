import { setImmediate as tick } from 'node:timers/promises'
import type { SinkBatch } from 'millrace/connect'
import { systemClock } from '../../core/clock.js'
import type { JoinOptions, LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { connector, newRows, numbers, runner, sendRows, until, writingTo, type Row } from '../../../test/sink-lab.js'

let log: MemoryLog
beforeEach(async () => {
  log = memoryLog()
  await newRows(log, 1)
  await sendRows(log, 0, 5)
})
afterEach(() => log[Symbol.asyncDispose]())

const joining = (join: LogPort['join']): LogPort => ({
  kind: log.kind,
  trouble: undefined,
  admin: log.admin,
  join,
  fetcher: (options) => log.fetcher(options),
  transactions: (options) => log.transactions(options),
  idempotent: () => log.idempotent(),
  [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
})

it.each(Array.from({ length: 12 }, (_, ticks) => ticks))(
  'a sink that is closed %i steps after it was started leaves its partitions to others, and holds no timer',
  async (ticks) => {
    const timers = new Set<object>()
    const every: typeof systemClock.every = (ms, act) => {
      const stop = systemClock.every(ms, act)
      timers.add(stop)
      return () => {
        timers.delete(stop)
        stop()
      }
    }
    const written: SinkBatch<Row>[] = []
    const early = runner(log, writingTo([]), {}, { clock: { ...systemClock, every } })
    const starting = early.start()
    for (let i = 0; i < ticks; i++) await tick()
    await early.close()
    await starting
    await sendRows(log, 5, 10)
    const next = runner(log, writingTo(written))
    await next.start()
    await until(() => numbers(written).includes(9))
    expect(early.health).toMatchObject({ state: 'stopped', partitions: [] })
    expect(timers.size).toBe(0)
    await next.close()
  },
)

it('a partition that is assigned again after a loss is written by one call at a time', async () => {
  let memberId = ''
  const port = joining((options: JoinOptions) =>
    log.join({
      ...options,
      onAssign: (generation, ...rest) => {
        memberId = generation.memberId
        return options.onAssign(generation, ...rest)
      },
    }),
  )
  const steps: string[] = []
  const writing: (() => void)[] = []
  const to = connector(() => ({
    write: async () => {
      steps.push('begins')
      if (steps.length === 1) await new Promise<void>((resolve) => writing.push(resolve))
      steps.push('ends')
    },
  }))
  const sink = runner(port, to)
  await sink.start()
  await until(() => writing.length === 1)
  const first = memberId
  log.expel('shop-sink-out', first)
  // It is assigned while the write of before is under way.
  for (let i = 0; i < 50; i++) await tick()
  expect(steps).toEqual(['begins'])
  writing[0]?.()
  await until(() => steps.length === 4 && sink.health.partitions.length === 1)
  expect(steps).toEqual(['begins', 'ends', 'begins', 'ends'])
  expect(memberId).not.toBe(first)
  expect(sink.health).toMatchObject({ state: 'running', partitions: ['0'] })
  await sink.close()
})

it('what was assigned before a loss is not begun', async () => {
  let options: JoinOptions | undefined
  const port = joining(async (given) => {
    options = given
    const generation = { group: given.group, generationId: 1, memberId: 'm' }
    const assigned = given.onAssign(
      generation,
      { partitions: [{ topic: 'rows', partition: 0 }], told: new Uint8Array() },
      false,
    )
    given.onLost('it was slow', false)
    await assigned
    return { generation, rejoin: () => undefined, leave: () => Promise.resolve() }
  })
  let opened = 0
  const sink = runner(
    port,
    connector(() => ({ write: () => void opened++ })),
  )
  await sink.start()
  for (let i = 0; i < 20; i++) await tick()
  expect([opened, sink.health.state]).toEqual([0, 'idle'])
  const generation = { group: 'g', generationId: 2, memberId: 'n' }
  await options?.onAssign(generation, { partitions: [{ topic: 'rows', partition: 0 }], told: new Uint8Array() }, false)
  await until(() => opened > 0)
  await sink.close()
})
