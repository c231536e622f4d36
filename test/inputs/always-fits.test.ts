import { randomBytes } from 'node:crypto'
import { stateObject, text, topic, type Topic } from 'millrace'
import { z } from 'zod'
import { Driver } from '../../lib/testing/driver.js'
import { appendRaw, readRaw } from '../raw-records.js'

const state = z.object({ seen: z.array(z.number()) })
const init = (): z.infer<typeof state> => ({ seen: [] })
const lines = topic('lines', text())
const letters = topic('test-dlq', text())
const done = topic('done', z.number())

const utf8 = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value))
/** Text that compression makes hardly smaller. */
const sized = (bytes: number): string => randomBytes(bytes).toString('base64').slice(0, bytes)
const header = (driver: Driver, name: string): string[] =>
  driver.output(letters).map(({ headers }) => Buffer.from(headers.get(`millrace.${name}`) ?? []).toString())
const lengths = (driver: Driver, of: Topic<string> = letters): (number | undefined)[] =>
  driver.output(of).map(({ value }) => value?.length)

/** Fails as long as `world.fails`; tells how long the values were that it took. */
function program(world: { fails: boolean; message?: string }, attempts = 2) {
  return stateObject('line', { state, init }).on(
    lines.map((value) => ({ made: new Date(0), value })),
    { key: () => 'one', route: 'shuffle', onError: { attempts, backoff: '1s' } },
    (own, { made, value }, turn) => {
      own.seen.push(value.length)
      if (world.fails) throw new Error(world.message ?? `fails at ${made.getTime()}`)
      turn.emit(done, value.length)
    },
  )
}

describe('what is kept of a record that fails', () => {
  // The last is what a topic takes at most by default.
  it.each([500_000, 900_000, 1_048_500])('fits when it has %i bytes, behind a map, and is replayed', async (bytes) => {
    const world = { fails: true }
    await using driver = new Driver({ failures: 'expect', objects: [program(world)], partitions: 2 })
    await driver.send(lines, sized(bytes))
    await driver.crash()
    driver.loseDisk()
    await driver.crash()
    await driver.advance('1s')
    expect(lengths(driver)).toEqual([bytes])
    world.fails = false
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 1 })
    expect(driver.output(done).map(({ value }) => value)).toEqual([bytes])
  })

  it('fits when its source takes it because it is packed well', async () => {
    const world = { fails: true }
    await using driver = new Driver({ failures: 'expect', objects: [program(world)], partitions: 2 })
    await driver.advance('1ms')
    const record = { key: null, value: utf8('x'.repeat(3_000_000)), timestamp: Date.UTC(2026, 0, 1), headers: [] }
    await appendRaw(driver.log, 'lines', 0, [record], 'gzip')
    await driver.crash()
    await driver.advance('1s')
    expect(lengths(driver)).toEqual([3_000_000])
    world.fails = false
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 1 })
    expect(driver.output(done).map(({ value }) => value)).toEqual([3_000_000])
  })

  it('fits where the topic of timers takes little', async () => {
    const world = { fails: true }
    await using driver = new Driver({ failures: 'expect', objects: [program(world)], partitions: 2 })
    await driver.send(lines, 'first')
    await driver.log.configure('test-timers', { 'max.message.bytes': '20000' })
    await driver.crash()
    await driver.send(lines, sized(500_000))
    await driver.crash()
    world.fails = false
    await driver.advance('1s')
    expect(driver.output(done).map(({ value }) => value)).toEqual([5, 500_000])
  })

  it('fits when a thousand records wait, with large keys and headers, and each is written once', async () => {
    const world = { fails: true }
    await using driver = new Driver({ failures: 'expect', objects: [program(world, 5)], partitions: 2 })
    const record = {
      key: utf8(sized(1_000)),
      value: utf8(sized(10)),
      timestamp: Date.UTC(2026, 0, 1),
      headers: [[utf8('h'), utf8(sized(1_000))]] as const,
    }
    await driver.advance('1ms')
    for (let i = 0; i < 4; i++)
      await appendRaw(
        driver.log,
        'lines',
        i % 2,
        Array.from({ length: 250 }, () => record),
      )
    await driver.advance('1ms')
    const rows = await readRaw(driver.log, 'test-timers')
    const bytes = rows.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    expect(bytes).toBeLessThan(1_000 * 2_500 + 100_000)
    world.fails = false
    await driver.advance('1s')
    expect(driver.output(done)).toHaveLength(1_000)
    expect(driver.output(letters)).toEqual([])
  })

  it('is a dead letter each when more wait than may', async () => {
    await using driver = new Driver({ failures: 'expect', objects: [program({ fails: true }, 5)], partitions: 2 })
    await driver.sendAll(
      lines,
      Array.from({ length: 1_005 }, (_, n) => String(n)),
      { key: () => 'k' },
    )
    expect(driver.output(letters).map(({ value }) => Number(value))).toEqual(Array.from({ length: 1_005 }, (_, n) => n))
    expect(header(driver, 'letter').map(Number)).toEqual(Array.from({ length: 1_005 }, (_, n) => n + 1))
    await using other = new Driver({ failures: 'expect', objects: [program({ fails: true }, 5)], partitions: 2 })
    await other.sendAll(
      lines,
      Array.from({ length: 20 }, () => sized(900_000)),
      { key: () => 'k' },
    )
    expect(other.output(letters)).toHaveLength(20)
  })

  it('is the message of its error as far as that is of use', async () => {
    await using driver = new Driver({
      failures: 'expect',
      objects: [program({ fails: true, message: sized(1_000_000) }, 1)],
      partitions: 2,
    })
    await driver.send(lines, sized(1_000_000))
    expect(lengths(driver)).toEqual([1_000_000])
    const [message = ''] = header(driver, 'error.message')
    expect(message).toMatch(/^lines\[\d\]@0: line 'one' .*… \(cut: \d+ characters\)$/)
    expect(message.length).toBeLessThan(5_000)
  })

  it('is where the record came from when the dead-letter topic does not take it', async () => {
    const world = { fails: true }
    await using driver = new Driver({ failures: 'expect', objects: [program(world, 1)], partitions: 2 })
    await driver.send(lines, 'first')
    await driver.log.configure('test-dlq', { 'max.message.bytes': '20000' })
    await driver.crash()
    await driver.send(lines, sized(500_000), { key: 'k' })
    const letter = driver.output(letters)[1]
    expect(letter).toMatchObject({ key: expect.stringMatching(/^lines\[\d\]@\d$/) as unknown, value: null })
    expect(header(driver, 'incomplete')[1]).toMatch(/the record takes \d{6} bytes .*: read it where it came from/)
    expect(header(driver, 'source.topic')[1]).toBe('lines')
    world.fails = false
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 2, objects: 1, left: [] })
    expect(driver.output(done).map(({ value }) => value)).toEqual([5, 500_000])
  })

  it('is left alone by a replay when its record is not there any more, with those behind it, until it is dropped', async () => {
    const world = { fails: true }
    await using driver = new Driver({ failures: 'expect', objects: [program(world, 1)], partitions: 1 })
    await driver.send(lines, 'first')
    await driver.log.configure('test-dlq', { 'max.message.bytes': '20000' })
    await driver.crash()
    for (let i = 0; i < 3; i++) await driver.send(lines, sized(500_000))
    await driver.log.admin.trim(new Map([['lines', new Map([[0, 2]])]]))
    const [gone, ...behind] = (await driver.replayDeadLetters()).left
    expect(gone).toMatchObject({ letter: 2, why: expect.stringMatching(/not in its topic any more/) as unknown })
    expect(behind.map(({ letter }) => letter)).toEqual([3, 4])
    world.fails = false
    const drop = { letter: { partition: 0, offset: gone!.offset }, reason: 'too large, and gone' }
    expect(await driver.replayDeadLetters({ only: {}, drop })).toMatchObject({ replayed: 3, dropped: 1, left: [] })
    expect(driver.output(done).map(({ value }) => value)).toEqual([5, 500_000, 500_000])
    expect(await driver.quarantined()).toEqual([])
  })
})

describe('timers', () => {
  const names = Array.from({ length: 50 }, (_, n) => `t${n}`)
  const timers = Object.fromEntries(names.map((name) => [name, z.string()])) as Record<string, z.ZodString>

  it('of one object may carry more than a record can hold', async () => {
    const fired: string[] = []
    let kind = stateObject('line', { state, init })
      .timers(timers)
      .on(
        lines,
        () => 'one',
        (own, value, turn) => {
          own.seen.push(value.length)
          names.forEach((name, n) => turn.timer(name, `${n + 1}s`, `${name} ${sized(30_000)}`))
        },
      )
    for (const name of names)
      kind = kind.onTimer(name, (_own, payload) => void fired.push(`${name} ${payload.length}`)) as never
    await using driver = new Driver({ objects: [kind], partitions: 2 })
    await driver.send(lines, 'x')
    driver.loseDisk()
    await driver.crash()
    for (const _ of names) await driver.advance('1s')
    expect(fired).toEqual(names.map((name) => `${name} ${30_001 + name.length}`))
    // Nothing of them is left.
    const rows = new Map(
      (await readRaw(driver.log, 'test-timers')).map((row) => [Buffer.from(row.key ?? []).toString(), row.value]),
    )
    expect([...rows].filter(([key, value]) => !key.startsWith('*') && value !== null)).toEqual([])
  })
})
