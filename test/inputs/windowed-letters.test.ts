import { hopping, session, stateObject, text, topic, tumbling, type AnyStateObject } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
import { replayDeadLetters } from '../../lib/app/replay.js'
import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import { drained } from '../../lib/runtime/drain.js'
import { Instance } from '../instances.js'
import { readRaw } from '../raw-records.js'
import { untilGivenUp } from '../given-up.js'

const lines = topic('lines', text())
const out = topic('out', text())
const letters = topic('test-dlq', text())
const schema = z.object({ n: z.number() })
const merge = (earlier: { n: number }, later: { n: number }): { n: number } => ({ n: earlier.n + later.n })

const windows = [
  ['tumbling', tumbling('1m'), 1],
  ['hopping', hopping('1m', { every: '30s' }), 2],
  ['session', session<{ n: number }>('1m', { merge }), 1],
] as const

describe.each(windows)('letters of a window: %s', (_name, window, times) => {
  it.each(['a record', 'closing'])('are replayed into it, though it would be late: %s', async (what) => {
    let isBroken = true
    const kind = stateObject('o', { state: schema, init: () => ({ n: 0 }), window: window as never })
      .on(lines, { key: (line) => line, onError: { attempts: 1 } }, (state) => {
        state.n++
        if (isBroken && what === 'a record') throw new Error('not yet')
      })
      .onClose((state, turn) => {
        if (isBroken && what === 'closing') throw new Error('not yet')
        turn.emit(out, `${turn.key} ${state.n}`)
      })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 3 })
    const keys = ['a', 'b', 'c', 'd', 'e']
    await driver.sendAll(lines, keys)
    await driver.advance('10m')
    // Time goes on in all partitions.
    await driver.sendAll(lines, keys)
    await untilGivenUp(driver)
    await driver.crash()
    const failed = driver.output(letters).length
    expect(failed).toBeGreaterThan(0)
    isBroken = false
    const report = await driver.replayDeadLetters()
    expect(report).toMatchObject({ replayed: failed, left: [] })
    await driver.crash()
    await driver.advance('10m')
    await driver.sendAll(lines, keys)
    await driver.advance('1m')
    expect(driver.output(letters)).toHaveLength(failed)
    const first = driver.output(out).map(({ value }) => value)
    for (const key of keys) expect(first.filter((value) => value === `${key} 1`).length).toBeGreaterThanOrEqual(times)
  })
})

describe('letters of a kind that had no windows', () => {
  const timed = topic('timed', z.object({ key: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
  const input = { key: ({ key }: { key: string }) => key, onError: { attempts: 1 } }
  const plain = stateObject('o', { state: schema, init: () => ({ n: 0 }) }).on(timed, input, () => {
    throw new Error('not yet')
  })
  const windowed = stateObject('o', { state: schema, init: () => ({ n: 0 }), window: tumbling('1m') })
    .on(timed, input, (state) => void state.n++)
    .onClose((state, turn) => turn.emit(out, `${turn.key} ${state.n}`))

  it('come to no window, and do not keep others open', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(timed, [{ key: 'a', at: 0 }])
    await run(log, plain)
    expect(await replayDeadLetters({ id: 'app', log })).toMatchObject({ replayed: 1 })
    const ats = [0, 5_000, 10_000, 70_000, 200_000, 400_000]
    await log.send(
      timed,
      ats.map((at) => ({ key: 'b', at })),
    )
    await run(log, windowed)
    const given = (await readRaw(log, 'out')).map(({ value }) => textOf(value))
    expect(given).toEqual(['b 3', 'b 1', 'b 1'])
    expect(await codesOf(log)).toEqual(['HANDLER_FAILED', 'DEFINITION_INVALID'])
  })
})

describe.each(['tumbling', 'session'] as const)('letters of an input that is gone: %s', (window) => {
  const timed = topic('timed', z.object({ key: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
  const others = topic('others', z.object({ key: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
  const program = (from: typeof timed, fails: boolean): AnyStateObject =>
    stateObject('o', {
      state: schema,
      init: () => ({ n: 0 }),
      window: (window === 'tumbling' ? tumbling('1m') : session('1m', { merge })) as never,
    })
      .on(from, { key: ({ key }) => key, onError: { attempts: 1 } }, (state) => {
        state.n++
        if (fails) throw new Error('not yet')
      })
      .onClose((state, turn) => turn.emit(out, `${turn.key} ${state.n}`))

  it('are dead letters again, until it is back', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(timed, [{ key: 'a', at: 0 }])
    await run(log, program(timed, true))
    await replayDeadLetters({ id: 'app', log })
    await run(log, program(others, false))
    expect(await codesOf(log)).toEqual(['HANDLER_FAILED', 'VALUE_INVALID'])
    await replayDeadLetters({ id: 'app', log })
    await log.send(timed, [{ key: 'b', at: 500_000 }])
    await run(log, program(timed, false))
    await run(log, program(timed, false))
    const given = (await readRaw(log, 'out')).map(({ value }) => textOf(value))
    expect(given).toEqual(['a 1'])
    expect(await codesOf(log)).toHaveLength(2)
    const rows = new Map((await readRaw(log, 'app-timers')).map(({ key, value }) => [textOf(key), value]))
    // Nothing is left of the object.
    expect([...rows].filter(([key, value]) => key.startsWith('o/') && value !== null)).toEqual([])
  })
})

async function codesOf(log: MemoryLog): Promise<readonly string[]> {
  const found = await readRaw(log, 'app-dlq')
  return found.map(({ headers }) => textOf(headers.find(([name]) => textOf(name) === 'millrace.error.code')?.[1]))
}

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString()

async function run(log: MemoryLog, kind: AnyStateObject): Promise<void> {
  const { engine } = new Instance({ app: 'app', log, objects: [kind] })
  await engine.start()
  await drained(engine)
  await engine.stop(1_000)
}
