import { z } from 'zod'
import { createApp } from '../../app/create-app.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver } from '../../testing/driver.js'
import type { CrashStep } from '../../testing/life.js'
import { avroSchema } from './avro-schema.js'
import { avro } from './avro.js'
import { text } from '../codec.js'
import { long } from '../numbers.js'

const payment = z.object({ account: z.string(), cents: z.bigint(), at: z.date() })
const balance = z.object({
  cents: z.bigint().min(0n),
  last: z.date().optional(),
  digest: z.instanceof(Uint8Array),
  history: z.array(z.union([z.bigint(), z.object({ note: z.string() })])),
})

const payments = topic('payments', avro(payment))
const counts = topic('counts', long())

/** All that JSON has no form for. */
const account = stateObject('account', {
  state: balance,
  init: () => ({ cents: 0n, digest: new Uint8Array(0), history: [] }),
  codec: avro(balance, { name: 'Balance', header: { kind: 'single-object' } }),
})
  .on(
    payments,
    ({ account }) => account,
    (state, { cents, at }) => {
      state.cents += cents
      state.last = at
      state.digest = Uint8Array.from([...state.digest, 0xff, 0x80, 0])
      state.history.push(cents, { note: 'paid' })
    },
  )
  .publish(counts, ({ history }) => history.length)

const large = 2n ** 60n
const paid = (name: string, cents: bigint, ms: number) => ({ account: name, cents, at: new Date(ms) })
const steps: readonly (CrashStep | undefined)[] = [undefined, 'turn', 'before-end', 'after-end', 'before-store']

describe('state in Avro', () => {
  it.each(steps)('survives a crash at %s', async (step) => {
    await using driver = testDriver({ objects: [account] })
    await driver.send(payments, paid('a', large, 1))
    await driver.crash(step)
    await driver.send(payments, paid('a', 1n, 2))
    expect(driver.crashes).toBe(1)
    expect(driver.state(account, 'a')).toMatchObject({
      cents: large + 1n,
      history: [large, { note: 'paid' }, 1n, { note: 'paid' }],
    })
    expect(driver.state(account, 'a')?.last?.getTime()).toBe(2)
    expect([...(driver.state(account, 'a')?.digest ?? [])]).toEqual([0xff, 0x80, 0, 0xff, 0x80, 0])
    expect(driver.output(counts).map(({ value }) => value)).toEqual([2, 4])
  })

  it('is restored from its changelog when the disk is lost', async () => {
    await using driver = testDriver({ objects: [account] })
    await driver.send(payments, paid('a', large, 1))
    driver.loseDisk()
    await driver.crash()
    expect(driver.state(account, 'a')).toMatchObject({ cents: large })
    await driver.send(payments, paid('a', 1n, 2))
    expect(driver.state(account, 'a')).toMatchObject({ cents: large + 1n })
  })

  it('is in the changelog exactly as the codec wrote it', async () => {
    await using driver = testDriver({ objects: [account], partitions: 1 })
    await driver.send(payments, paid('a', 5n, 1))
    const changelog = topic('test-account-changelog', account.definition.codec)
    expect(driver.output(changelog)).toMatchObject([{ key: 'a', value: { cents: 5n } }])
  })

  it('is read by a later version of the program, when its header says what wrote it', async () => {
    const later = balance.extend({ limit: z.int().default(100) })
    const writers = [avroSchema(balance, 'Balance')]
    const version2 = stateObject('account', {
      state: later,
      init: () => ({ cents: 0n, digest: new Uint8Array(0), history: [], limit: 1 }),
      codec: avro(later, { name: 'Balance', header: { kind: 'single-object', writers } }),
    }).on(
      payments,
      ({ account }) => account,
      (state, { cents }) => {
        state.cents += cents
      },
    )
    await using log = memoryLog({ partitions: 2 })
    for (const kind of [account, version2]) {
      await using app = createApp({ id: 'bank', objects: [kind], log, createTopics: true })
      await app.start()
      await log.send(payments, [paid('a', 5n, 1)], { key: ({ account }) => account })
      await app.drained()
    }
    await using app = createApp({ id: 'bank', objects: [version2], log })
    await app.start()
    expect(await app.state(version2).get('a')).toMatchObject({
      cents: 10n,
      limit: 100,
      history: [5n, { note: 'paid' }],
    })
  })

  it('sends payments that are not Avro to the dead-letter topic, and goes on', async () => {
    await using driver = testDriver({ failures: 'expect', objects: [account] })
    await driver.send(topic('payments', text()), '{"account":"a","cents":1}')
    await driver.send(payments, paid('a', 5n, 1))
    expect(driver.state(account, 'a')).toMatchObject({ cents: 5n })
    expect(driver.stats()).toMatchObject({ turns: 1 })
    expect(driver.output(topic('test-dlq', text()))).toMatchObject([{ value: '{"account":"a","cents":1}' }])
  })
})
