import { bytes, connectJson, connectKey, stateObject, text, topic, type Headers } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const letters = topic('test-dlq', bytes(), { key: bytes() })
const commands = topic('commands', text())
const row = z.object({ price: z.number(), count: z.int32() })
const key = connectKey({ symbol: z.string() })
const rows = topic('rows', connectJson(row), { key })
const asWritten = topic('rows', bytes(), { key: bytes() })

const header = (headers: Headers, name: string): string => Buffer.from(headers.get(`millrace.${name}`) ?? []).toString()

describe('rows for Connect in an app', () => {
  const stock = stateObject('stock', { state: row, init: () => ({ price: 0, count: 0 }) })
    .on(
      commands,
      { key: (command) => command.split(' ')[0] ?? '', onError: { attempts: 1 } },
      (state, command, turn) => {
        const [, price = ''] = command.split(' ')
        if (price === '-') return turn.delete()
        state.count += 1
        state.price = Number(price)
      },
    )
    .publish(rows, ({ price, count }) => ({ price, count }))

  it('follow their objects across crashes, deletions included', async () => {
    await using driver = testDriver({ objects: [stock], partitions: 4 })
    for (const command of ['IBM 1', 'AAPL 2', 'IBM 3']) await driver.send(commands, command)
    await driver.crash()
    for (const command of ['IBM 4', 'AAPL -']) await driver.send(commands, command)
    const latest = new Map(driver.output(rows).map(({ key: symbol, value }) => [symbol, value]))
    expect([...latest].sort()).toEqual([
      ['AAPL', null],
      ['IBM', { price: 4, count: 3 }],
    ])
    // Without bytes, not the text null.
    expect(driver.output(asWritten).filter(({ value }) => value === null)).toHaveLength(1)
  })

  it('that a column cannot hold are errors of their turns, and the app goes on', async () => {
    const emitting = stateObject('emitting', { state: z.object({}), init: () => ({}) }).on(
      commands,
      { key: (command) => command, onError: { attempts: 1 } },
      (_state, command, turn) => {
        const [symbol = '', price] = command.split(' ')
        turn.emit(rows, { price: Number(price), count: 2 ** Number(price) }, { key: symbol })
      },
    )
    await using driver = testDriver({ objects: [emitting], failures: 'expect' })
    for (const command of ['IBM NaN', 'IBM 31', 'IBM 5']) await driver.send(commands, command)
    expect(driver.output(rows).map(({ value }) => value)).toEqual([{ price: 5, count: 32 }])
    const messages = driver.output(letters).map(({ headers }) => header(headers, 'error.message'))
    expect(messages).toEqual([expect.stringMatching(/price.*NaN/), expect.stringMatching(/count/)])
  })

  it('of others that are none are dead letters with their place, and the next ones are read', async () => {
    const table = stateObject('table', { state: row, init: () => ({ price: 0, count: 0 }) }).on(
      rows.withTombstones(),
      (_row, record) => record.key,
      (state, value, turn) => (value === null ? turn.delete() : void Object.assign(state, value)),
    )
    await using driver = testDriver({ objects: [table], failures: 'expect', partitions: 1 })
    const ibm = Buffer.from(key.encode('IBM')).toString('hex')
    const wrong = ['{"price":1,"count":1}', '<xml>', '{"schema":{"type":"struct","fields":[]},"payload":{"price":1}}']
    for (const value of wrong) await driver.send(asWritten, Buffer.from(value), { key: ibm })
    await driver.send(rows, { price: 7, count: 1 }, { key: 'IBM' })
    await driver.send(asWritten, Buffer.from(connectJson(row).encode({ price: 1, count: 1 })), { key: '6869' })
    expect(driver.state(table, 'IBM')).toEqual({ price: 7, count: 1 })
    const found = driver
      .output(letters)
      .map(({ headers }) => [
        header(headers, 'error.code'),
        header(headers, 'source.offset'),
        header(headers, 'error.message'),
      ])
    expect(found).toEqual([
      ['VALUE_INVALID', '0', expect.stringContaining('no envelope')],
      ['VALUE_INVALID', '1', expect.stringContaining('not JSON')],
      ['VALUE_INVALID', '2', expect.stringContaining('count: there is no value')],
      [expect.any(String), '4', expect.stringContaining('the key cannot be read')],
    ])
  })
})
