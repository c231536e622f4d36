import { isUtf8 } from 'node:buffer'
import * as fc from 'fast-check'
import { batchBuilder } from './batch-builder.js'
import { recordCursor } from './cursor.js'
import { keyText } from '../core/key-format.js'
import { RecordView } from './record-view.js'
import type { RecordCursor } from './port.js'

function cursorOver(...keys: (string | null)[]): RecordCursor {
  const builder = batchBuilder()
  keys.forEach((key, index) => builder.add(key, 'v', 100 + index, new Map([['n', Buffer.from([index])]])))
  const facts = { topic: 't', partition: 0, from: 0, to: 0, highWatermark: 0, lastStableOffset: 0 }
  return recordCursor({ ...facts, bytes: builder.finish().bytes, isolation: 'all', aborted: [] })
}

it('follows the cursor it is bound to', () => {
  const cursor = cursorOver('one', null, 'zwölf')
  const view = new RecordView()
  view.bind('orders', 4, cursor)
  const seen: unknown[] = []
  while (cursor.next())
    seen.push([view.topic, view.partition, view.offset, view.timestamp, view.key, view.key, view.headers.get('n')?.[0]])
  expect(seen).toEqual([
    ['orders', 4, 0n, 100, 'one', 'one', 0],
    ['orders', 4, 1n, 101, null, null, 1],
    ['orders', 4, 2n, 102, 'zwölf', 'zwölf', 2],
  ])
})

it('forgets the key of another cursor at the same offset', () => {
  const [one, other] = [cursorOver('one'), cursorOver('other')]
  const view = new RecordView()
  const keys = [one, other].map((cursor) => {
    cursor.next()
    view.bind('t', 0, cursor)
    return view.key
  })
  expect(keys).toEqual(['one', 'other'])
})

it('gives snapshots that stay as they were', () => {
  const cursor = cursorOver('one', 'two')
  const view = new RecordView()
  view.bind('orders', 4, cursor)
  cursor.next()
  const snapshot = view.snapshot()
  cursor.next()
  cursor.bytes.fill(0)
  const headers = new Map([['n', Uint8Array.from([0])]])
  expect(snapshot).toEqual({ topic: 'orders', partition: 4, offset: 0n, timestamp: 100, key: 'one', headers })
})

const refused = 'the key is not UTF-8 text (0x'

it('decodes keys that are UTF-8, and refuses all others', () => {
  const keys = fc.oneof(
    fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ maxLength: 24, unit: 'binary' }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(keys, (key) => {
      const padded = Buffer.concat([Buffer.from('é'), key, Buffer.from('é')])
      const read = (): string => {
        try {
          return keyText(padded, 2, 2 + key.length)
        } catch (error) {
          return (error as Error).message.slice(0, refused.length)
        }
      }
      expect(read()).toBe(isUtf8(key) ? key.toString() : refused)
    }),
  )
})
