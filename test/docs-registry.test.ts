import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { transformSync } from '@swc/core'
import type { StateObject, Topic } from 'millrace'
import { testDriver } from 'millrace/testing'
import { FakeRegistry } from './fake-registry.js'

/** What the page defines: all its code together is one program. */
interface Page {
  readonly trades: Topic<{ symbol: string; price: number }>
  readonly totals: Topic<unknown>
  readonly total: StateObject<'total', { n: number; sum: number }>
}

it('the code in docs/registry.md keeps totals', async () => {
  const fake = await FakeRegistry.start()
  try {
    const text = readFileSync(join(__dirname, '..', 'docs', 'registry.md'), 'utf8')
    const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block)
    const source = [...blocks, 'export { trades, totals, total }'].join('\n').replace('http://localhost:8081', fake.url)
    const { code } = transformSync(source, { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } })
    const exports = {} as Page
    compileFunction(code, ['require', 'exports'])(require, exports)
    const { trades, totals, total } = exports
    await using driver = testDriver({ objects: [total] })
    await driver.send(trades, { symbol: 'IBM', price: 2 })
    await driver.send(trades, { symbol: 'IBM', price: 3 })
    expect(driver.emitted(totals).at(-1)).toEqual({ key: 'IBM', value: { n: 2, sum: 5 } })
    expect([...fake.subjects.keys()].sort()).toEqual(['totals-key', 'totals-value', 'trades-value'])
  } finally {
    await fake.stop()
  }
})
