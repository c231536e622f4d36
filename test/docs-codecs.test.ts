import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { transformSync } from '@swc/core'
import type { Codec, StateObject, Topic } from 'millrace'
import { testDriver } from 'millrace/testing'

/** What the page defines: all its code together is one program. */
interface Page {
  readonly orders: Topic<unknown>
  readonly account: StateObject<'account', { cents: bigint }>
  readonly changes: Topic<unknown>
  readonly clicks: Topic<unknown>
  readonly visitor: StateObject<'visitor', { first: Date; pages: Set<string> }>
  readonly reading: Codec<{ sensor: number; celsius: number }>
}

function pageOf(file: string): Page {
  const text = readFileSync(join(__dirname, '..', 'docs', file), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block)
  const source = [...blocks, 'export { account, changes, clicks, orders, reading, visitor }'].join('\n')
  const { code } = transformSync(source, { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } })
  const exports = {} as Page
  // The classes that zod asks for, which are others outside of Jest.
  compileFunction(code, ['require', 'exports', 'Date', 'Set'])(require, exports, Date, Set)
  return exports
}

describe('the code in docs/codecs.md', () => {
  const { account, changes, clicks, orders, reading, visitor } = pageOf('codecs.md')

  it('keeps state in Avro', async () => {
    await using driver = testDriver({ objects: [account] })
    const id = '123e4567-e89b-42d3-a456-426614174000'
    const order = { id, at: new Date(5), cents: 2n ** 60n, status: 'new', items: [] }
    await driver.send(orders, order)
    await driver.crash()
    expect(driver.state(account, id)).toMatchObject({ cents: 2n ** 60n })
  })

  it('reads ids of 64 bits', () => {
    const text = '{"id":9007199254740993,"price":2}'
    const value = changes.codec.decode(Buffer.from(text))
    expect(value).toEqual({ id: 9007199254740993n, price: 2 })
    expect(changes.codec.encode(value)).toBe(text)
  })

  it('keeps dates and sets in state and timers', async () => {
    await using driver = testDriver({ objects: [visitor] })
    await driver.send(clicks, { page: '/a', ms: 1 })
    driver.loseDisk()
    await driver.crash()
    expect(driver.state(visitor, '/a')).toEqual({ first: expect.any(Date), pages: new Set(['/a']) })
    await driver.advance('30m')
    expect(driver.state(visitor, '/a')?.pages).toEqual(new Set())
  })

  it('is a codec that reads what it wrote, and refuses what it cannot read', () => {
    const encoded = reading.encode({ sensor: 7, celsius: -1.5 }) as Uint8Array
    expect(reading.decode(encoded)).toEqual({ sensor: 7, celsius: -1.5 })
    expect(() => reading.decode(encoded.subarray(1))).toThrow('a reading has 8 bytes, not 7')
  })
})
