import { z } from 'zod'
import { bytes, text } from '../codec/codec.js'
import type { MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { Driver } from './driver.js'

const lines = topic('lines', text())
const out = topic('out', text())
const rows = topic('rows', bytes())
const state = z.object({ seen: z.array(z.string()) })
const kind = stateObject('line', { state, init: () => ({ seen: [] }) })
  .on(lines, { key: (line) => line.slice(0, 1), onError: { attempts: 2, backoff: '1s' } }, (own, line, turn) => {
    own.seen.push(line)
    turn.emit(out, line)
    if (line.includes('bad')) throw new Error('bad')
  })
  .publish(rows, ({ seen }) => Buffer.from(seen.join()))

const limit = (name: string) => (log: MemoryLog) => log.configure(name, { 'max.message.bytes': '200' })
const gone = (name: string) => (log: MemoryLog) => log.deleteTopic(name)
const topics = ['lines', 'out', 'rows', 'test-line-changelog', 'test-line-inbox', 'test-timers', 'test-dlq']

describe.each([
  ...topics.map((name) => [`${name} takes little`, limit(name)] as const),
  ...topics.map((name) => [`${name} is deleted`, gone(name)] as const),
])('when %s', (_name, sabotage) => {
  it.each(['reject', 'expect'] as const)(
    'every call of the driver ends, and so does close: failures %s',
    async (failures) => {
      const driver = new Driver({ objects: [kind], flows: [lines.to(out)], partitions: 2, failures, patience: '2s' })
      await driver.send(lines, 'a')
      await driver.send(lines, 'b bad', { failures: 'expect' })
      await sabotage(driver.log)
      const long = 'x'.repeat(1_000)
      const calls = [
        () => driver.send(lines, 'a short'),
        () => driver.send(lines, `a ${long}`),
        () => driver.send(lines, `b bad ${long}`),
        () => driver.advance('1h'),
        () => driver.crash(),
        () => driver.send(lines, 'a again'),
      ]
      const codes: unknown[] = []
      for (const call of calls)
        codes.push(
          await call().then(
            () => 'done',
            (error: { code: string }) => error.code,
          ),
        )
      await driver.close()
      expect(codes).not.toContain('TEST_STUCK')
    },
  )
})
