import type { SinkBatch } from 'millrace/connect'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import {
  committed,
  connector,
  hearing,
  newRows,
  numbers,
  runner,
  rows,
  sendRows,
  until,
  writingTo,
  type Row,
} from '../../../test/sink-lab.js'
import { committedBeginning, keptBeginning, noteIn, noteText } from './beginning.js'

const at = { topic: 'rows', partition: 0, topicId: 'new', start: 10, end: 20 }
const standing = (offset: number, note: string) => ({ topic: 'rows', partition: 0, offset, note })

it.each<[string, number, string, number, number, RegExp | undefined]>([
  ['is there', 15, 'topic=new', 15, 0, undefined],
  ['is the start', 10, 'topic=new', 10, 0, undefined],
  ['is the end', 20, 'topic=new', 20, 0, undefined],
  ['was set by hand', 15, '', 15, 0, undefined],
  ['was trimmed', 4, 'topic=new', 10, 6, /offsets 4 to 9 are not there any more.*up to 6 records/],
  ['is of a topic of the same name that was deleted', 15, 'topic=old', 10, 0, /made anew since offset 15/],
  ['is behind the end', 25, 'topic=new', 20, 0, /has lost what was written/],
  ['is behind the end, and of which topic nobody knows', 25, '', 10, 0, /It is read from 10 on/],
])(
  'begins where the group stands, and says what is missing: its offset %s',
  (_what, offset, note, begins, missing, says) => {
    const beginning = committedBeginning({ ...at, committed: standing(offset, note) })
    expect(beginning).toMatchObject({ offset: begins, missing })
    expect(beginning?.warning ?? 'nothing').toMatch(says ?? /^nothing$/)
  },
)

it('begins at what the target keeps, which counts more than what the group has committed', () => {
  const surroundings = { ...at, committed: standing(12, 'topic=new') }
  expect(keptBeginning(17, surroundings)).toEqual({ offset: 17, missing: 0 })
  expect(keptBeginning(0, surroundings)).toMatchObject({
    offset: 10,
    missing: 10,
    warning: expect.stringMatching(/up to 10/),
  })
  expect(() => keptBeginning(21, surroundings)).toThrow(/offset 21, and the partition ends at 20/)
})

it.each(['', 'x', 'topic=', 'first=many topic=a b=c', 'topic=a first=3 batch=a~b~c~0~1~2', 'first=1e9'])(
  'reads of a note what it has written, and nothing else: %s',
  (text) => {
    const note = noteIn(text)
    expect(noteIn(noteText(note))).toEqual(note)
  },
)

describe('a sink', () => {
  let log: MemoryLog
  beforeEach(() => {
    log = memoryLog()
  })
  afterEach(() => log[Symbol.asyncDispose]())

  it('that begins with the latest skips nothing after a crash, and nothing of partitions that come later', async () => {
    await newRows(log, 1)
    await sendRows(log, 0, 10)
    let isAway = true
    const written: SinkBatch<Row>[] = []
    const to = connector(() => {
      if (isAway) throw new Error('away')
      return writingTo(written).open({} as never)
    })
    const first = runner(log, to, { begin: 'latest' })
    await first.start()
    await until(() => first.stats.retries > 0)
    expect(await committed(log, 1)).toEqual([10])
    await first.close()
    await sendRows(log, 10, 20)
    await log.grow(rows.name, 3)
    await sendRows(log, 20, 100)
    isAway = false
    const second = runner(log, to, { begin: 'latest' })
    await second.start()
    await until(() => second.stats.records === 90)
    await second.close()
    expect([...numbers(written)].sort((a, b) => a! - b!)).toEqual(Array.from({ length: 90 }, (_, i) => i + 10))
  })

  it('goes on behind what was trimmed while it runs, and says how much was lost', async () => {
    await newRows(log, 1)
    await sendRows(log, 0, 10)
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const written: SinkBatch<Row>[] = []
    const to = connector(() => ({
      async write(batch) {
        await gate
        written.push(batch)
      },
    }))
    const { logger, heard } = hearing()
    const first = runner(log, writingTo(written), { batchRecords: 5 })
    await first.start()
    await until(async () => (await committed(log, 1))[0] === 10)
    await first.close()
    await sendRows(log, 10, 30)
    await log.admin.trim(new Map([[rows.name, new Map([[0, 25]])]]))
    const second = runner(log, to, {}, { logger })
    await second.start()
    open()
    await until(() => second.stats.records === 5)
    await second.close()
    expect(second.stats.missing).toBe(15)
    expect(heard).toContainEqual(
      expect.stringMatching(/error: sink 'out', rows\[0\].* offsets 10 to 24 .* up to 15 records/),
    )
    expect(await committed(log, 1)).toEqual([30])
  })

  it('reads a topic that was deleted and made anew from its start', async () => {
    await newRows(log, 1)
    await sendRows(log, 0, 10)
    const written: SinkBatch<Row>[] = []
    const { logger, heard } = hearing()
    const sink = runner(log, writingTo(written), {}, { logger })
    await sink.start()
    await until(async () => (await committed(log, 1))[0] === 10)
    await log.deleteTopic(rows.name)
    await newRows(log, 1)
    await sendRows(log, 100, 120)
    await until(() => sink.stats.records === 30)
    await sink.close()
    expect(numbers(written).slice(10)).toEqual(Array.from({ length: 20 }, (_, i) => i + 100))
    expect(heard.length).toBeGreaterThan(0)
  })

  it('whose topic is missing says so when it is started, and makes it where it may', async () => {
    await expect(runner(log, writingTo([])).start()).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'rows' })
    const sink = runner(log, writingTo([]), {}, { createTopics: true })
    await sink.start()
    await until(() => sink.health.state === 'running')
    expect(sink.health).toMatchObject({ kind: 'sink', name: 'out', connector: 'test', guarantee: 'at-least-once' })
    await sink.close()
  })

  it('shares its partitions with other processes, each record in one of them', async () => {
    await newRows(log, 4)
    const written: SinkBatch<Row>[] = []
    const sinks = [1, 2, 3, 4, 5].map(() => runner(log.open(), writingTo(written)))
    await Promise.all(sinks.map((sink) => sink.start()))
    await sendRows(log, 0, 500)
    await until(() => sinks.reduce((sum, { stats }) => sum + stats.records, 0) === 500)
    expect(sinks.map(({ health }) => health.partitions.length).sort()).toEqual([0, 1, 1, 1, 1])
    expect(sinks.map(({ health }) => health.state).sort()[0]).toBe('idle')
    await Promise.all(sinks.map((sink) => sink.close()))
    expect([...numbers(written)].sort((a, b) => a! - b!)).toEqual(Array.from({ length: 500 }, (_, n) => n))
  })
})
