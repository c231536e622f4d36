import { z } from 'zod'
import { accountsV1, accountsV2, accountsV3, balances, payments } from '../../../test/accounts.js'
import { Deployments, objectsOf } from '../../../test/versions.js'
import { readAll } from '../../../test/reading.js'
import { text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'

const v1 = accountsV1()
const v2 = accountsV2()
const v3 = accountsV3()

let bank: Deployments
beforeEach(() => {
  bank = new Deployments()
})
afterEach(() => bank.end())

/** Three accounts of version 1, two of which version 2 has changed since. */
async function mixed(): Promise<void> {
  await bank.run(v1, [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ])
  await bank.run(v2, [
    ['b', 10],
    ['c', 10],
  ])
}

describe('state of older versions', () => {
  it('is migrated when it is loaded, and stored as it was until a turn changes it', async () => {
    await mixed()
    const restored = await bank.run(v3, [['c', 100]])
    expect(restored).toBe(0)
    expect(await bank.changelog()).toEqual([
      'a - {"cents":100}',
      'b - {"cents":200}',
      'c - {"cents":300}',
      'b 2 {"payments":[2,10]}',
      'c 2 {"payments":[3,10]}',
      'c 3 {"balance":113,"count":3}',
    ])
    const app = await bank.start(v3)
    expect(await objectsOf(app, v3)).toEqual({
      a: { balance: 1, count: 1 },
      b: { balance: 12, count: 2 },
      c: { balance: 113, count: 3 },
    })
    expect(await app.state(v3).get('a')).toEqual({ balance: 1, count: 1 })
    expect(await app.state(v3).ask('b', 'balance')).toBe(12)
    expect(await bank.changelog()).toHaveLength(6)
  })

  it('is restored from a changelog in which all versions stand side by side', async () => {
    await mixed()
    await bank.run(v3, [['c', 100]])
    const app = await bank.start(v3, 1)
    expect(app.stats().restoredRecords).toBe(6)
    expect(await objectsOf(app, v3)).toEqual({
      a: { balance: 1, count: 1 },
      b: { balance: 12, count: 2 },
      c: { balance: 113, count: 3 },
    })
  })

  it('is restored from a compacted changelog', async () => {
    await mixed()
    await bank.log.compact('bank-account-changelog')
    const app = await bank.start(v3, 1)
    expect(await objectsOf(app, v3)).toEqual({
      a: { balance: 1, count: 1 },
      b: { balance: 12, count: 2 },
      c: { balance: 13, count: 2 },
    })
  })

  it('is what a standby has copied, when it takes over', async () => {
    const owner = await bank.start(v1, 0, { standbyReplicas: 1 })
    await bank.pay(['a', 1], ['b', 2])
    await owner.drained()
    const standby = await bank.start(v3, 1, { standbyReplicas: 1 })
    await bank.pay(['b', 10])
    await owner.drained()
    while (standby.stats().standbyRecords < 3) await new Promise(setImmediate)
    await owner.close()
    await bank.pay(['b', 100], ['c', 5])
    await standby.drained()
    expect(standby.stats().restoredRecords).toBe(0)
    expect(await objectsOf(standby, v3)).toEqual({
      a: { balance: 1, count: 1 },
      b: { balance: 112, count: 2 },
      c: { balance: 5, count: 1 },
    })
  })

  it('is deleted, and stays so', async () => {
    await mixed()
    await bank.run(v3, [
      ['a', 0],
      ['b', 0],
      ['d', 4],
      ['d', 0],
    ])
    expect((await bank.changelog()).slice(-3).sort()).toEqual(['a - null', 'b - null', 'd - null'])
    for (const disk of [0, 1]) {
      const app = await bank.start(v3, disk)
      expect(await objectsOf(app, v3)).toEqual({ c: { balance: 13, count: 2 } })
      await app.close()
    }
  })

  it('is published as migrated when it changes, and not before', async () => {
    await bank.run(
      v1.publish(balances, ({ cents }) => ({ balance: cents / 100 })),
      [
        ['a', 1],
        ['b', 2],
      ],
    )
    await bank.run(
      v3.publish(balances, ({ balance, count }) => ({ balance: balance * 1_000 + count })),
      [['a', 1]],
    )
    expect((await readAll(bank.log, balances)).map(({ key, value }) => `${key} ${value?.balance}`)).toEqual([
      'a 1',
      'b 2',
      'a 2002',
    ])
  })

  it('is what a turn that fails leaves behind', async () => {
    await bank.run(v1, [['a', 1]])
    const app = await bank.start(v3)
    await bank.pay(['a', -7])
    while (app.stats().failed === 0) await new Promise(setImmediate)
    expect(await app.state(v3).get('a')).toEqual({ balance: 1, count: 1 })
    await app.close()
    expect(await bank.changelog()).toEqual(['a - {"cents":100}'])
  })

  it('is rolled forward by what newer versions have written since the store was', async () => {
    await bank.run(v1, [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
    await bank.copyDisk(0, 1)
    await bank.run(v2, [
      ['b', 10],
      ['c', 0],
    ])
    const app = await bank.start(v3, 1)
    expect(app.stats().restoredRecords).toBe(2)
    expect(await objectsOf(app, v3)).toEqual({ a: { balance: 1, count: 1 }, b: { balance: 12, count: 2 } })
  })
})

describe('state of a newer version', () => {
  const newer = /account.*: state of version 2, this program knows 1: deploy the newer program/

  it.each([
    ['in the local store', 0],
    ['in the changelog only', 1],
  ])('is refused by an older program at start when it is %s', async (_where, disk) => {
    await bank.run(v2, [
      ['a', 1],
      ['b', 2],
    ])
    const old = await bank.app(v1, disk)
    await expect(old.start()).rejects.toMatchObject({ code: 'STATE_NEWER', kind: 'account', message: newer })
    await expect(old.closed()).rejects.toMatchObject({ code: 'STATE_NEWER' })
    await bank.pay(['a', 10])
    const app = await bank.start(v2, disk)
    await app.drained()
    expect(await objectsOf(app, v2)).toEqual({ a: { payments: [1, 10] }, b: { payments: [2] } })
  })

  it.each([
    ['kept', 0],
    ['restored', 1],
  ])('is refused also when a single object among many in a store that is %s is of it', async (_how, disk) => {
    const many = Array.from({ length: 1_000 }, (_, i) => [`a${i}`, 1] as const)
    await bank.run(v1, many)
    await bank.run(v2, [['z', 1]])
    const old = await bank.app(v1, disk)
    await expect(old.start()).rejects.toMatchObject({ code: 'STATE_NEWER', message: newer })
  })

  it('is not what a newer program leaves that has only read, or deleted', async () => {
    await bank.run(v1, [
      ['a', 1],
      ['b', 2],
    ])
    await bank.run(v2, [['b', 0]])
    expect(await bank.run(v1, [['a', 2]])).toBe(0)
    expect(await bank.changelog()).toEqual(['a - {"cents":100}', 'b - {"cents":200}', 'b - null', 'a - {"cents":300}'])
  })

  it('is copied by the standby of an older program, which stops when it is to run it', async () => {
    const many = Array.from({ length: 300 }, (_, i) => [`a${i}`, 1] as const)
    await bank.run(v1, many)
    const owner = await bank.start(v2, 0, { standbyReplicas: 1 })
    const old = await bank.start(v1, 1, { standbyReplicas: 1 })
    while (old.stats().standbyRecords < 300) await new Promise(setImmediate)
    await bank.pay(['z', 3])
    await owner.drained()
    while (old.stats().standbyRecords < 301) await new Promise(setImmediate)
    expect(old.health().ready).toBe(true)

    await owner.close()
    await expect(old.closed()).rejects.toMatchObject({ code: 'STATE_NEWER', message: newer })
    await bank.pay(['z', 4])
    const next = await bank.start(v3, 1)
    await next.drained()
    expect(next.stats().restoredRecords).toBe(0)
    expect(await objectsOf(next, v3)).toMatchObject({ a7: { balance: 1, count: 1 }, z: { balance: 7, count: 2 } })
  })
})

describe('stored state that does not fit', () => {
  const narrow = accountOf(z.object({ cents: z.number().max(150) }))

  it('stops the start, naming kind, key and field, and nothing is lost', async () => {
    await bank.run(v1, [
      ['a', 1],
      ['b', 2],
    ])
    const app = await bank.app(narrow)
    await expect(app.start()).rejects.toMatchObject({
      code: 'STATE_UNREADABLE',
      kind: 'account',
      key: 'b',
      message:
        /account 'b': what is stored does not fit the schema \(cents: .*raise `version` to 2 and add \.migrate\(1, step\)/,
    })
    const again = await bank.start(v1)
    expect(await objectsOf(again, v1)).toEqual({ a: { cents: 100 }, b: { cents: 200 } })
  })

  it('stops the start also when only the schema says so, and not the codec', async () => {
    const note = (schema: z.ZodType<string>) =>
      stateObject('note', { state: schema, init: () => 'x', codec: text() }).on(payments, byAccount, () => undefined)
    await bank.run(note(z.string()), [['a', 1]])
    const app = await bank.app(note(z.literal('y')))
    await expect(app.start()).rejects.toMatchObject({ code: 'STATE_UNREADABLE', kind: 'note', key: 'a' })
  })

  it('is looked for in the first 200 objects of a task, and found in others when they are loaded', async () => {
    const many = Array.from({ length: 200 }, (_, i) => [`a${i}`, 1] as const)
    await bank.run(v1, [...many, ['z', 2]])
    const app = await bank.start(narrow)
    await bank.pay(['z', 3])
    await expect(app.closed()).rejects.toMatchObject({ code: 'STATE_UNREADABLE', key: 'z' })
    const again = await bank.start(v1)
    await again.drained()
    expect(await again.state(v1).get('z')).toEqual({ cents: 500 })
  })

  it('stops an app that takes a task over during its life, and the others go on', async () => {
    bank = new Deployments(2)
    const good = await bank.start(v1, 0)
    const strict = await bank.start(narrow, 1)
    await bank.pay(['a', 1], ['b', 1], ['c', 1], ['d', 1])
    await good.drained()
    expect([...Object.keys(await objectsOf(good, v1)), ...Object.keys(await objectsOf(strict, narrow))].sort()).toEqual(
      ['a', 'b', 'c', 'd'],
    )
    const [own] = Object.keys(await objectsOf(good, v1)) as [string]
    await bank.pay([own, 1])
    await good.drained()
    await good.close()
    await expect(strict.closed()).rejects.toMatchObject({ code: 'STATE_UNREADABLE', kind: 'account', key: own })
    const again = await bank.start(v1, 0)
    expect(await objectsOf(again, v1)).toMatchObject({ [own]: { cents: 200 } })
    expect(Object.keys(await objectsOf(again, v1))).toHaveLength(4)
  })

  it('may be what a step makes of it: then the app stops and goes on once the step is repaired', async () => {
    const many = Array.from({ length: 200 }, (_, i) => [`a${i}`, 1] as const)
    await bank.run(v1, [...many, ['z', 2]])
    const broken = accountOf(z.object({ cents: z.number(), rate: z.number() }), 2).migrate(1, (old) =>
      old.cents === 200 ? { ...old, rate: '1' } : { ...old, rate: 1 },
    )
    const app = await bank.start(broken)
    await bank.pay(['a0', 1], ['z', 3])
    await expect(app.closed()).rejects.toMatchObject({
      code: 'STATE_UNREADABLE',
      key: 'z',
      message: /account 'z', stored by version 1: what migrate\(1, step\) made of it does not fit the schema \(rate: /,
    })
    const repaired = await bank.start(
      accountOf(z.object({ cents: z.number(), rate: z.number() }), 2).migrate(1, (old) => ({ ...old, rate: 1 })),
    )
    await repaired.drained()
    expect(await repaired.state(broken).get('z')).toEqual({ cents: 500, rate: 1 })
    expect(await repaired.state(broken).get('a0')).toEqual({ cents: 200, rate: 1 })
  })

  it('or is damaged is told as such', async () => {
    await bank.run(v1, [['a', 1]])
    await bank.log.send({ name: 'bank-account-changelog', codec: text() }, ['{"cents":'], { key: () => 'a' })
    const app = await bank.app(v1)
    await expect(app.start()).rejects.toMatchObject({
      code: 'STATE_UNREADABLE',
      key: 'a',
      message: /bytes are damaged/,
    })
  })
})

/** Accounts as version 1 has them, with another schema. */
function accountOf<S extends z.ZodType<{ cents: number }>>(state: S, version = 1) {
  return stateObject('account', { state, init: () => ({ cents: 0, rate: 1 }) as never, version }).on(
    payments,
    byAccount,
    (account, { amount }) => {
      ;(account as { cents: number }).cents += amount * 100
    },
  )
}

function byAccount({ account }: { readonly account: string }): string {
  return account
}
