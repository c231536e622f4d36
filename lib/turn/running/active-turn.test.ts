import { z } from 'zod'
import { bytes, text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { session, tumbling, type Window } from '../../model/window.js'
import { testDriver } from '../../testing/driver.js'

const lines = topic('lines', text())
const out = topic('out', text())
const letters = topic('test-dlq', bytes())
const state = z.object({ seen: z.array(z.string()) })
const init = (): z.infer<typeof state> => ({ seen: [] })
const merge = (a: { seen: string[] }, b: { seen: string[] }): { seen: string[] } => ({ seen: [...a.seen, ...b.seen] })
const windows: readonly (readonly [string, Window<z.infer<typeof state>> | undefined])[] = [
  ['no windows', undefined],
  ['windows', tumbling('1m')],
  ['sessions', session('1m', { merge })],
]

describe.each(windows)('what a handler holds, of a kind with %s', (_what, window) => {
  it('has no name by which what it has done is reached', async () => {
    const names: string[] = []
    const kind = stateObject('kind', { state, init, ...(window && { window }) }).on(
      lines,
      (line) => line,
      (own, line, turn) => {
        for (let at: object | null = turn; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at))
          names.push(...Object.getOwnPropertyNames(at))
        own.seen.push(line)
        turn.emit(out, line)
        // As a program in JavaScript may try to, on purpose or by accident.
        Object.assign(turn, { deleted: true, emitted: [{ topic: 'test-dlq', key: 'x', value: 5 }], timers: [{}] })
      },
    )
    await using driver = testDriver({ objects: [kind], partitions: 1 })
    await driver.send(lines, 'a', { timestamp: 60_000 })
    await driver.crash()
    expect(driver.output(out).map(({ value }) => value)).toEqual(['a'])
    expect(driver.output(letters)).toEqual([])
    const key = window === undefined ? 'a' : 'a|60000|120000'
    expect(driver.state(kind, key)).toEqual({ seen: ['a'] })
    for (const name of ['deleted', 'emitted', 'timers']) expect(names).not.toContain(name)
  })

  it.each(['key', 'isNew', 'window', 'now', 'record'])('cannot be given another %s', async (name) => {
    const kind = stateObject('kind', { state, init, ...(window && { window }) }).on(
      lines,
      { key: (line) => line, onError: { attempts: 1 } },
      (_own, _line, turn) => void Object.assign(turn, { [name]: undefined }),
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.send(lines, 'a', { timestamp: 60_000 })
    expect(
      driver.output(letters).map(({ headers }) => Buffer.from(headers.get('millrace.error.code') ?? []).toString()),
    ).toEqual(['HANDLER_FAILED'])
  })
})
