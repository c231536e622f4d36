import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { transformSync } from '@swc/core'
import { connectSchema, type StateObject, type Topic } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const text = readFileSync(join(__dirname, '..', 'docs', 'connect.md'), 'utf8')
const blocksOf = (language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block ?? '')

/** What the page defines: all its code together is one program. */
interface Page {
  readonly trades: Topic<unknown>
  readonly rows: Topic<unknown>
  readonly stock: StateObject
  readonly orders: Topic<unknown>
  readonly order: StateObject
}

function page(): Page {
  const source = [...blocksOf('ts'), 'export { trades, rows, stock, orders, order }'].join('\n')
  const { code } = transformSync(source, { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } })
  const exports = {} as Page
  compileFunction(code, ['require', 'exports', 'Date'])(require, exports, Date)
  return exports
}

describe('docs/connect.md', () => {
  it('has code that publishes rows, and keys of several fields', async () => {
    const { trades, rows, stock, orders, order } = page()
    await using driver = testDriver({ objects: [stock, order] })
    for (const price of [3, 2]) await driver.send(trades, { symbol: 'IBM', price, at: 5 })
    expect(driver.output(rows).at(-1)).toMatchObject({ key: 'IBM', value: { last: 2, high: 3, at: new Date(5) } })
    await driver.send(orders, { region: 'EU', id: 42, cents: 7 })
    expect(driver.state(order, '["EU",42]')).toEqual({ cents: 7 })
  })

  it('has the settings that the example has', () => {
    const file = readFileSync(join(__dirname, '..', 'examples', '14-postgres-rows', 'postgres-sink.json'), 'utf8')
    expect(JSON.parse(blocksOf('json')[0] ?? '')).toEqual(JSON.parse(file))
  })

  const types = [...text.matchAll(/^\| `(z\..*?)` +\| `(\w+)`(?:, `(\w+)`)? +\|/gm)].map(
    ([, zod = '', type, name]) => [zod, type, name] as const,
  )

  it.each(types)('says what %s is to Connect: %s %s', (zod, type, name) => {
    const field = compileFunction(`return ${zod}`, ['z', 'Uint8Array'])(z, Uint8Array) as z.ZodType
    const { fields: [schema] = [] } = connectSchema(z.object({ field }))
    expect([schema?.type, schema?.name]).toEqual([type, name && `org.apache.kafka.connect.data.${name}`])
  })

  it('lists many types', () => {
    expect(types.length).toBeGreaterThan(20)
  })
})
