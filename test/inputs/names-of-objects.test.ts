import { lookup, stateObject, text, topic, tumbling } from 'millrace'
import { Driver } from '../../lib/testing/driver.js'
import { z } from 'zod'

/** What every object of JavaScript answers to, without having it. */
const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'length']

describe('everything may be called', () => {
  it.each(names)('%s: topics, kinds, keys, timers, queries, fields, headers', async (name) => {
    const input = topic(name, text())
    const out = topic(`${name}.out`, text())
    const known = topic(`${name}.known`, text())
    const table = lookup(known)
    const state = z.object({ by: z.any(), woken: z.number() })
    const kind = stateObject(name, { state, init: () => ({ by: {} as Record<string, number>, woken: 0 }) })
      .timers({ [name]: z.any() })
      .on(
        input,
        () => name,
        (own, line, turn) => {
          own.by = Object.fromEntries([[line, (Object.hasOwn(own.by, line) ? own.by[line] : 0) + 1]])
          turn.timer(name, '1m', Object.fromEntries([[name, 1]]))
          turn.emit(out, `${turn.lookup(table, name)} ${turn.lookup(table, 'other')}`, {
            headers: Object.fromEntries([[name, 'h']]),
          })
        },
      )
      .onTimer(name, (own, payload) => {
        own.woken += Object.hasOwn(payload as object, name) ? 1 : 0
      })
      .query(name, (own) => own.woken)
      .publish(topic(`${name}.rows`, text()), (_own, key) => key)
    const counts = stateObject(`${name}.counts`, {
      state: z.number(),
      init: () => 0,
      window: tumbling('1h'),
      codec: { format: name, encode: String, decode: (bytes) => Number(Buffer.from(bytes).toString()) },
      checked: false,
    })
      .on(
        input,
        () => name,
        () => undefined,
      )
      .onClose((_own, turn) => turn.emit(out, `closed ${turn.key}`))
    const flow = input.branch({ [name]: (line) => line === name })[name]?.to(topic(`${name}.flow`, text()))
    await using driver = new Driver({
      objects: [kind, counts],
      flows: flow === undefined ? [] : [flow],
      lookups: [table],
    })
    await driver.send(known, 'found', { key: name })
    await driver.send(input, name, { key: name })
    driver.loseDisk()
    await driver.crash()
    await driver.send(input, name, { key: name })
    await driver.advance('2m')
    await driver.advance('5h')
    await driver.send(input, name, { key: name })
    expect(driver.output(topic('test-dlq', text()))).toEqual([])
    const held = driver.state(kind, name) as { by: object; woken: number }
    expect([Object.entries(held.by), held.woken]).toEqual([[[name, 3]], 1])
    const sent = driver.output(out).map(({ value }) => value)
    expect(sent).toEqual([...Array<string>(3).fill('found undefined'), `closed ${name}`])
    expect([...(driver.output(out)[0]?.headers.keys() ?? [])]).toEqual([name])
    expect(driver.output(topic(`${name}.rows`, text())).at(-1)?.value).toBe(name)
    expect(driver.output(topic(`${name}.flow`, text()))).toHaveLength(3)
    await driver.send(input, name, { key: name })
    await driver.crash('before-store')
    await driver.send(input, name, { key: name })
    expect(Object.entries((driver.state(kind, name) as { by: object }).by)).toEqual([[name, 5]])
  })
})
