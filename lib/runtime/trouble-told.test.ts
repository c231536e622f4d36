import { z } from 'zod'
import { readAll } from '../../test/reading.js'
import { createApp } from '../app/create-app.js'
import { bytes } from '../codec/codec.js'
import type { Logger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic, type InvalidPolicy } from '../model/stream.js'
import { tumbling } from '../model/window.js'

interface Line {
  readonly level: keyof Logger
  readonly fields: { readonly err?: { readonly code: string; readonly cause?: object }; readonly suppressed?: number }
  readonly message: string
}

function hearing(): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = []
  const hear =
    (level: keyof Logger) =>
    (fields: object, message = ''): void =>
      void lines.push({ level, fields, message })
  return { lines, logger: { debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') } }
}

const of = (lines: readonly Line[], code: string): Line[] => lines.filter(({ fields }) => fields.err?.code === code)
const letters = topic('app-dlq', bytes())
const anything = topic('orders', z.unknown())
const schema = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })

describe('what is told of turns that fail', () => {
  it.each([false, true])(
    'is each attempt at debug, and the last as an error, with its cause (async: %p)',
    async (isAsync) => {
      const log = memoryLog({ partitions: 1 })
      const orders = topic('orders', z.object({ id: z.string(), bad: z.boolean() }))
      const refused = (): Error =>
        new TypeError('fetch failed', { cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }) })
      const order = stateObject('order', { state: schema, init }).on(
        orders,
        { key: ({ id }) => id, onError: { attempts: 3, backoff: '1ms' } },
        isAsync
          ? async (state, { bad }) => {
              state.n++
              await Promise.resolve()
              if (bad) throw refused()
            }
          : (state, { bad }) => {
              state.n++
              if (bad) throw refused()
            },
      )
      const { lines, logger } = hearing()
      const app = createApp({ id: 'app', log, objects: [order], createTopics: true, logger })
      // In one commit, so that all is done again when the second fails.
      await log.send(
        orders,
        [false, true, false].map((bad) => ({ id: 'a', bad })),
      )
      await app.start()
      while (app.stats().deadLetters < 2) await new Promise(setImmediate)
      await app.close()
      const told = of(lines, 'HANDLER_FAILED')
      expect(told.filter(({ level }) => level === 'error')).toEqual([
        {
          level: 'error',
          message: expect.stringMatching(
            /^orders\[0\]@1: order 'a' .*\(fetch failed: no\)\. Tried 3 times: it is a dead letter\.$/,
          ),
          fields: {
            err: expect.objectContaining({
              code: 'HANDLER_FAILED',
              topic: 'orders',
              offset: 1,
              key: 'a',
              cause: expect.objectContaining({
                type: 'TypeError',
                stack: expect.stringContaining('trouble-told'),
                cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
              }),
            }),
          },
        },
      ])
      expect(told.some(({ level }) => level === 'warn')).toBe(false)
      expect(told.filter(({ level }) => level === 'debug').length).toBeGreaterThanOrEqual(2)
      expect(of(lines, 'QUARANTINED')).toMatchObject([
        {
          level: 'warn',
          message: expect.stringMatching(
            /^orders\[0\]@2: order 'a': an earlier record of this object is a dead letter/,
          ),
        },
      ])
    },
  )
})

describe('what is told and counted of records that are refused', () => {
  it.each<[InvalidPolicy, object, number, unknown[]]>([
    [
      'dead-letter',
      { refused: 100, deadLetters: 100, skipped: 0, turns: 50 },
      100,
      [
        ['warn', 0, expect.stringMatching(/^orders\[0\]@1: the value was refused \(id: /)],
        [
          'warn',
          99,
          expect.stringMatching(
            /^99 more like this in the last \d+ s \(VALUE_INVALID, orders\); the last: orders\[0\]@149: /,
          ),
        ],
      ],
    ],
    ['skip', { refused: 100, deadLetters: 0, skipped: 100, turns: 50 }, 0, []],
  ])('by their schema, with %s', async (onInvalid, stats, count, warnings) => {
    const log = memoryLog({ partitions: 1 })
    const orders = topic('orders', z.object({ id: z.string() }), { onInvalid })
    const order = stateObject('order', { state: schema, init }).on(
      orders,
      ({ id }) => id,
      (state) => void state.n++,
    )
    const { lines, logger } = hearing()
    const app = createApp({ id: 'app', log, objects: [order], createTopics: true, logger })
    await log.send(
      anything,
      Array.from({ length: 150 }, (_, n) => ({ id: n % 3 === 0 ? 'a' : n })),
    )
    await app.start()
    await app.drained()
    expect(app.stats()).toMatchObject(stats)
    await app.close()
    expect(await readAll(log, letters)).toHaveLength(count)
    const told = of(lines, 'VALUE_INVALID')
    const warned = told.filter(({ level }) => level !== 'debug')
    expect(warned.map(({ level, fields, message }) => [level, fields.suppressed, message])).toEqual(warnings)
    expect(told).toHaveLength(count === 0 ? 100 : warnings.length)
  })

  it.each([
    ['dead-letter', { refused: 3, deadLetters: 3, skipped: 0 }],
    ['skip', { refused: 3, deadLetters: 0, skipped: 3 }],
  ] as const)('by their window, with %s', async (late, stats) => {
    const log = memoryLog({ partitions: 1 })
    const orders = topic('orders', z.object({ id: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
    const order = stateObject('order', { state: schema, init, window: tumbling('1s', { late }) }).on(
      orders,
      ({ id }) => id,
      (state) => void state.n++,
    )
    const { lines, logger } = hearing()
    const app = createApp({ id: 'app', log, objects: [order], createTopics: true, logger })
    await app.start()
    const tomorrow = Date.now() + 86_400_000
    await log.send(
      orders,
      [1, 2, 3].map(() => ({ id: 'a', at: tomorrow })),
    )
    await app.drained()
    expect(app.stats()).toMatchObject(stats)
    await app.close()
    expect(of(lines, 'RECORD_AHEAD').map(({ level }) => level)).toEqual(
      late === 'skip' ? ['debug', 'debug', 'debug'] : ['warn', 'warn'],
    )
  })
})
