import { z } from 'zod'
import { readRaw } from '../../../test/raw-records.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { Driver } from '../../testing/driver.js'

const calls = topic('calls', z.object({ id: z.string(), fails: z.boolean() }))
const rows = topic('rows', z.number())
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const call = stateObject('call', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
  .on(calls, { key: ({ id }) => id, onError: { attempts: 3, backoff: '1s' } }, async (state, { fails }) => {
    await tick()
    state.n++
    if (fails) throw new Error('no')
  })
  .publish(rows, ({ n }) => n)

describe('an asynchronous turn that fails', () => {
  it('writes nothing of an object that was there, nor of one that was not', async () => {
    await using driver = new Driver({ failures: 'expect', objects: [call], partitions: 1 })
    await driver.send(calls, { id: 'old', fails: false })
    const written = async (): Promise<unknown> => [
      await readRaw(driver.log, 'test-call-changelog'),
      await readRaw(driver.log, 'rows'),
    ]
    const before = await written()
    for (const id of ['old', 'new']) await driver.send(calls, { id, fails: true })
    await driver.advance('1s')
    expect(driver.stats().failed).toBe(4)
    expect(await written()).toEqual(before)
  })

  it('leaves what others did to its object in the same commit', async () => {
    await using driver = new Driver({ failures: 'expect', objects: [call], partitions: 1 })
    await driver.sendAll(calls, [
      { id: 'a', fails: false },
      { id: 'a', fails: true },
      { id: 'b', fails: false },
    ])
    await driver.crash()
    expect(driver.state(call, 'a')).toEqual({ n: 1 })
    expect((await readRaw(driver.log, 'rows')).map(({ value }) => String(value))).toEqual(['49', '49'])
  })
})
