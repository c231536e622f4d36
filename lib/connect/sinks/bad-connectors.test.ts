import { SinkRefused, type SinkBatch, type SinkPartition } from 'millrace/connect'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import {
  committed,
  connector,
  hearing,
  letters,
  newRows,
  numbers,
  runner,
  sendRows,
  until,
  type Row,
} from '../../../test/sink-lab.js'

let log: MemoryLog
const unhandled: unknown[] = []
const note = (error: unknown): void => void unhandled.push(error)

beforeEach(async () => {
  log = memoryLog()
  await newRows(log, 1)
  await sendRows(log, 0, 20)
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  await log[Symbol.asyncDispose]()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  if (unhandled.length > 0) throw new Error('a rejection was not handled', { cause: unhandled[0] })
})

type Writes = (batch: SinkBatch<Row>) => void | Promise<void>
/** What `open` does for the first three times; then it is right. */
type Bad = (write: Writes) => unknown

const rejecting = (what: unknown) => (): SinkPartition<Row> => ({
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- of what connectors do
  write: () => Promise.reject(what),
})
const throwing = (what: unknown) => () => {
  throw what
}
const proxied = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

it.each<[string, Bad, string | RegExp]>([
  ['throws', throwing(new Error('no route')), 'no route'],
  ['throws undefined', throwing(undefined), 'undefined'],
  ['throws null', throwing(null), 'null'],
  ['throws a revoked proxy', throwing(proxied()), /./],
  ['rejects', () => Promise.reject(new Error('away')), 'away'],
  ['gives nothing', () => undefined, /open gave undefined; give \{ write \}/],
  ['gives null', () => null, /open gave null/],
  ['gives a promise of text', () => Promise.resolve('sink'), /open gave a string/],
  ['gives a revoked proxy', proxied, /./],
  ['has no write', () => ({}), /a write that is undefined/],
  ['has a write that is none', () => ({ write: 'yes' }), /a write that is a string/],
  ['has a close that is none', (write) => ({ write, close: 1 }), /a close that is a number \(1\)/],
  ['has an offset that is NaN', (write) => ({ write, offset: NaN }), /offset NaN/],
  ['has a negative offset', (write) => ({ write, offset: -1 }), /offset -1/],
  ['has a fractional offset', (write) => ({ write, offset: 1.5 }), /offset 1.5/],
  ['has an offset that is text', (write) => ({ write, offset: '3' }), /offset string/],
  ['has an infinite offset', (write) => ({ write, offset: Infinity }), /offset Infinity/],
  ['has an offset behind the end', (write) => ({ write, offset: 21 }), /offset 21, and the partition ends at 20/],
  ['has both ways', (write) => ({ write, twoPhase: {} }), /both write and twoPhase/],
  [
    'lacks a part of two phases',
    () => ({ twoPhase: { prepare: () => undefined } }),
    /twoPhase.commit that is undefined/,
  ],
  ['has a write that rejects with undefined', rejecting(undefined), 'undefined'],
  ['has a write that rejects with null', rejecting(null), 'null'],
  ['has a write that rejects with 0', rejecting(0), '0'],
  ['has a write that rejects with a revoked proxy', rejecting(proxied()), /./],
  [
    'refuses records of no batch',
    rejecting(new SinkRefused(new Map([[99, 'who?']]))),
    /none of their offsets is in the batch/,
  ],
  ['refuses nothing', rejecting(new SinkRefused(new Map())), /none of their offsets is in the batch/],
])('a connector that %s is tried again until it is right, and says why', async (_what, bad, reason) => {
  const written: SinkBatch<Row>[] = []
  const write: Writes = (batch) => void written.push(batch)
  let opened = 0
  const to = connector(() => (++opened <= 3 ? bad(write) : { write }) as SinkPartition<Row>)
  const { logger, heard } = hearing()
  const failures: unknown[] = []
  const sink = runner(log, to, {}, { logger, onFailure: (error) => failures.push(error) })
  await sink.start()
  await until(() => written.length > 0)
  await until(() => sink.health.state === 'running')
  await sink.close()
  expect(numbers(written)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  expect(await committed(log, 1)).toEqual([20])
  expect(heard.join('\n')).toMatch(reason)
  // What went wrong here has its place in it already.
  expect(heard.join('\n')).not.toMatch(/rows\[0\]: .*rows\[0\]: /)
  expect(sink.stats).toMatchObject({ records: 20, deadLetters: 0 })
  expect(sink.stats.retries).toBeGreaterThanOrEqual(3)
  expect(failures).toEqual([])
})

it('says in its health that a write does not end, and is closed all the same', async () => {
  let elapsed = 0
  const { systemClock } = await import('../../core/clock.js')
  const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + elapsed }
  const { logger, heard } = hearing()
  let signal: AbortSignal | undefined
  let isWriting = false
  const to = connector((context) => {
    signal = context.signal
    return { write: () => new Promise(() => void (isWriting = true)) }
  })
  const sink = runner(log, to, {}, { logger, clock, sessionTimeoutMs: 100 })
  await sink.start()
  await until(() => isWriting)
  elapsed = 60_000
  expect(sink.health).toMatchObject({
    state: 'retrying',
    reason: expect.stringMatching(/write of rows\[0\]@0–19 has not ended for 60 s/),
  })
  expect(signal!.aborted).toBe(false)
  await sink.close()
  expect(signal!.aborted).toBe(true)
  expect(heard.join('\n')).toMatch(/error: sink 'out', rows\[0\]: write of .* and the partition is let go without it/)
  expect(await committed(log, 1)).toEqual([undefined])
})

it.each<[string, () => unknown]>([
  ['throws', throwing(new Error('close failed'))],
  ['rejects with nothing', () => Promise.reject(undefined as unknown as Error)],
  ['does not end', () => new Promise(() => undefined)],
])('is closed although the close of its connector %s', async (_what, close) => {
  const sink = runner(
    log,
    connector(() => ({ write: () => undefined, close: close as () => void })),
    {},
    { sessionTimeoutMs: 100 },
  )
  await sink.start()
  await until(() => sink.stats.records === 20)
  await sink.close()
  expect(sink.health.state).toBe('stopped')
})

it('is closed while its connector is being opened, and closes what is opened too late', async () => {
  let open: (partition: SinkPartition<Row>) => void = () => undefined
  let closed = 0
  const sink = runner(
    log,
    connector(() => new Promise((resolve) => (open = resolve))),
    {},
    { sessionTimeoutMs: 100 },
  )
  await sink.start()
  await sink.close()
  open({ write: () => undefined, close: () => void closed++ })
  await until(() => closed === 1)
  expect(await letters(log)).toEqual([])
})

it('gives each attempt values of its own', async () => {
  const seen: unknown[] = []
  const to = connector(() => ({
    write({ records }) {
      const [first] = records
      seen.push(first!.value!.n)
      ;(first!.value as { n: number }).n = 99
      if (seen.length < 3) throw new Error('again')
    },
  }))
  const sink = runner(log, to)
  await sink.start()
  await until(() => sink.stats.records === 20)
  await sink.close()
  expect(seen).toEqual([0, 0, 0])
})
