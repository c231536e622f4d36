import { lookup, stateObject, text, topic } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const lines = topic('lines', text())
const letters = topic('test-dlq', text())
const rows = lookup(topic('rows', text()))

it.each([undefined, null, 5, 5n, {}, ['a'], Symbol('a'), Buffer.from('a')])(
  'a lookup under what is no key is an error of its turn, not a missing row: %p',
  async (key) => {
    const kind = stateObject('o', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      lines,
      { key: (line) => line, onError: { attempts: 1 } },
      (state, line, turn) => {
        state.n++
        if (line === 'bad') turn.lookup(rows, key as never)
      },
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind], lookups: [rows] })
    for (const line of ['bad', 'good']) await driver.send(lines, line)
    const [letter] = driver.output(letters)
    expect(String(Buffer.from(letter?.headers.get('millrace.error.code') ?? []))).toBe('RECORD_INVALID')
    expect(driver.state(kind, 'good')).toEqual({ n: 1 })
  },
)
