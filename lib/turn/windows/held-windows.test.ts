import { z } from 'zod'
import { text } from '../../codec/codec.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { session, tumbling } from '../../model/window.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const lines = topic('lines', z.object({ key: z.string(), at: z.number(), what: z.string() }), {
  timestamp: ({ at }) => at,
})
const closed = topic('closed', text())
const letters = topic('test-dlq', text())

type State = { whats: string[] }
const merge = (a: State, b: State): State => ({ whats: [...a.whats, ...b.whats] })
const windows = {
  tumbling: tumbling(1_000),
  session: session<State>(1_000, { merge }),
} as const

/** Turns of what is in `bad` fail; so do those that close a window with one of these. */
function program(
  window: keyof typeof windows,
  bad: Set<string>,
  attempts = 3,
  then: 'dead-letter' | 'skip' = 'dead-letter',
): AnyStateObject {
  return stateObject('o', {
    state: z.object({ whats: z.array(z.string()) }),
    init: () => ({ whats: [] as string[] }),
    window: windows[window],
  })
    .on(lines, { key: ({ key }) => key, onError: { attempts, backoff: 100, then } }, (state, { what }, turn) => {
      if (bad.has(what)) throw new Error(`cannot do ${what}`)
      state.whats.push(what)
      if (what === 'forget') turn.delete()
    })
    .onClose(({ whats }, turn) => {
      if (whats.some((what) => bad.has(`close ${what}`))) throw new Error('cannot close')
      turn.emit(closed, `${turn.key} ${turn.window.start} ${whats.join('+')}`)
    })
}

const outputs = (driver: TestDriver): readonly unknown[] => driver.output(closed).map(({ value }) => value)
const codes = (driver: TestDriver): readonly string[] =>
  driver.output(letters).map(({ headers }) => Buffer.from(headers.get('millrace.error.code') ?? []).toString())

/** In one partition, one after the other: `<key> <at> <what>`. */
async function send(driver: TestDriver, ...all: readonly string[]): Promise<void> {
  for (const each of all) {
    const [key = '', at = '', what = ''] = each.split(' ')
    await driver.send(lines, { key, at: Number(at), what })
  }
}

describe.each(['tumbling', 'session'] as const)('a window with turns that wait: %s', (window) => {
  it('is closed when they have been run, and others in time', async () => {
    const bad = new Set(['x'])
    await using driver = testDriver({ failures: 'expect', objects: [program(window, bad)], partitions: 1 })
    await send(driver, 'a 0 w', 'a 10 x', 'a 20 y', 'b 0 z', 'b 5000 later')
    expect(outputs(driver)).toEqual(['b 0 z'])
    bad.clear()
    await driver.crash()
    await driver.advance(100)
    expect(outputs(driver)).toEqual(['b 0 z', 'a 0 w+x+y'])
    expect(codes(driver)).toEqual([])
  })

  it('is closed at once when the first of its turns is run after its time', async () => {
    const bad = new Set(['x'])
    await using driver = testDriver({ failures: 'expect', objects: [program(window, bad)], partitions: 1 })
    await send(driver, 'a 0 x', 'b 5000 later')
    bad.clear()
    await driver.advance(100)
    expect(outputs(driver)).toEqual(['a 0 x'])
    expect(codes(driver)).toEqual([])
  })

  it('stays open while its object is in quarantine, and is closed by the replay', async () => {
    const bad = new Set(['x'])
    await using driver = testDriver({ failures: 'expect', objects: [program(window, bad, 1)], partitions: 1 })
    await send(driver, 'a 0 w', 'a 10 x', 'a 20 y', 'b 0 z', 'b 5000 later')
    expect(outputs(driver)).toEqual(['b 0 z'])
    // The last of them is the turn that would have closed it.
    expect(codes(driver)).toEqual(['HANDLER_FAILED', 'QUARANTINED', 'QUARANTINED'])
    await driver.crash()
    await driver.advance('1d')
    expect(outputs(driver)).toEqual(['b 0 z'])
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 3, objects: 1, left: [] })
    expect(outputs(driver)).toEqual(['b 0 z', 'a 0 w+x+y'])
  })

  it('is kept with its state when closing it fails, and closed by the next attempt', async () => {
    const bad = new Set(['close x'])
    await using driver = testDriver({ failures: 'expect', objects: [program(window, bad)], partitions: 1 })
    await send(driver, 'a 0 x', 'b 5000 later')
    await driver.crash()
    bad.clear()
    await driver.advance('1h')
    expect(outputs(driver)).toEqual(['a 0 x'])
  })

  it('is kept with its state when closing it fails for good, and closed by the replay', async () => {
    const bad = new Set(['close x'])
    const kind = program(window, bad)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await send(driver, 'a 0 x', 'b 5000 later')
    for (let times = 0; times < 20; times++) await driver.advance('1h')
    await driver.crash()
    expect(outputs(driver)).toEqual([])
    expect(driver.state(kind, 'a|0|1000')).toEqual({ whats: ['x'] })
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 1, objects: 1, left: [] })
    expect(outputs(driver)).toEqual(['a 0 x'])
  })

  it('is closed without its dead letters when its object is released, and they are late then', async () => {
    const bad = new Set(['x'])
    const kind = program(window, bad, 1)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await send(driver, 'a 0 w', 'a 10 x', 'a 20 y', 'b 5000 later')
    expect(outputs(driver)).toEqual([])
    expect(await driver.release(kind, window === 'session' ? 'a' : 'a|0|1000')).toBe(true)
    expect(outputs(driver)).toEqual(['a 0 w'])
    await driver.crash()
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 3, objects: 1, left: [] })
    await send(driver, 'b 9000 later')
    expect(outputs(driver)).toEqual(['a 0 w', 'b 5000 later'])
    expect(codes(driver).slice(3)).toEqual(['RECORD_LATE', 'RECORD_LATE'])
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 0, objects: 0, leftInAll: 2 })
  })

  it('that is still open when its object is released takes the letters that are replayed', async () => {
    const bad = new Set(['x'])
    const kind = program(window, bad, 1)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await send(driver, 'a 0 w', 'a 10 x')
    expect(await driver.release(kind, window === 'session' ? 'a' : 'a|0|1000')).toBe(true)
    await send(driver, 'a 20 y')
    bad.clear()
    await driver.replayDeadLetters()
    await send(driver, 'b 5000 later')
    expect(outputs(driver)).toEqual(['a 0 w+y+x'])
    expect(codes(driver)).toEqual(['HANDLER_FAILED'])
  })

  it('is closed without a turn that is skipped', async () => {
    const objects = [program(window, new Set(['x']), 2, 'skip')]
    await using driver = testDriver({ failures: 'expect', objects, partitions: 1 })
    await send(driver, 'a 0 w', 'a 10 x', 'a 20 y', 'b 5000 later')
    expect(outputs(driver)).toEqual([])
    await driver.advance(100)
    expect(outputs(driver)).toEqual(['a 0 w+y'])
  })

  it('that a turn deletes which had waited is not closed', async () => {
    const bad = new Set(['forget'])
    await using driver = testDriver({ failures: 'expect', objects: [program(window, bad)], partitions: 1 })
    await send(driver, 'a 0 x', 'a 10 forget', 'b 5000 later')
    bad.clear()
    await driver.advance(100)
    await send(driver, 'b 9000 later')
    expect(outputs(driver)).toEqual(['b 5000 later'])
  })
})

describe('windows of the same key', () => {
  it.each([
    ['tumbling', ['a 2000 z']],
    // They are one object.
    ['session', []],
  ] as const)('wait for each other only where they are sessions: %s', async (window, first) => {
    for (const attempts of [1, 3]) {
      const bad = new Set(['x'])
      await using driver = testDriver({ failures: 'expect', objects: [program(window, bad, attempts)], partitions: 1 })
      await send(driver, 'a 0 w', 'a 10 x', 'a 2000 z', 'b 9000 later')
      expect(outputs(driver)).toEqual(first)
      bad.clear()
      await driver.advance('1s')
      if (attempts === 1) await driver.replayDeadLetters()
      expect([...outputs(driver)].sort()).toEqual(['a 0 w+x', 'a 2000 z'])
    }
  })
})

describe('sessions with turns that wait', () => {
  const merged = ['a 0 x', 'a 900 y', 'b 1500 later', 'a 450 z', 'b 5000 later']
  const split = ['a 0 x', 'b 1500 later', 'a 700 y', 'a 1600 z', 'b 5000 later']

  it.each([
    ['a record finds the session that one before it is to extend', merged, ['a 0 x+y+z']],
    ['a record does not find a session that was over when it came', split, ['a 0 x', 'a 700 y+z']],
  ])('are what they would have been: %s', async (_what, all, wanted) => {
    for (const fails of [[], ['x'], ['y'], ['x', 'y'], ['z']]) {
      for (const attempts of [1, 3]) {
        const bad = new Set(fails)
        await using driver = testDriver({
          failures: 'expect',
          objects: [program('session', bad, attempts)],
          partitions: 1,
        })
        for (const each of all) await send(driver, each)
        bad.clear()
        await driver.advance(100)
        await driver.advance(100)
        if (attempts === 1 && fails.length > 0) await driver.replayDeadLetters()
        const ofA = outputs(driver).filter((line) => String(line).startsWith('a'))
        expect([fails, attempts, ofA]).toEqual([fails, attempts, wanted])
        expect(codes(driver)).not.toContain('RECORD_LATE')
      }
    }
  })
})

describe.each(['tumbling', 'session'] as const)('a window whose timer waits for another attempt: %s', (window) => {
  it.each(['it fails once', 'it is a dead letter'])('is closed behind it: %s', async (how) => {
    const isLetter = how === 'it is a dead letter'
    const bad = new Set(['timer'])
    const kind = stateObject('o', {
      state: z.object({ whats: z.array(z.string()) }),
      init: () => ({ whats: [] as string[] }),
      window: windows[window],
    })
      .timers({ check: z.string() })
      .on(
        lines,
        ({ key }) => key,
        (state, { what }, turn) => {
          state.whats.push(what)
          turn.timer('check', '1s', what)
        },
      )
      .onTimer('check', (state, what) => {
        state.whats.push(`checked ${what}`)
        if (isLetter ? bad.has('timer') : bad.delete('timer')) throw new Error('cannot check')
      })
      .onClose(({ whats }, turn) => turn.emit(closed, `${turn.key} ${turn.window.start} ${whats.join('+')}`))
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await send(driver, 'a 0 x')
    await driver.advance('1s')
    await send(driver, 'b 5000 later')
    expect(outputs(driver)).toEqual([])
    await driver.crash()
    for (let times = 0; times < 20; times++) await driver.advance('1h')
    bad.clear()
    if (isLetter) await driver.replayDeadLetters()
    expect(outputs(driver).filter((line) => String(line).startsWith('a'))).toEqual(['a 0 x+checked x'])
  })
})
