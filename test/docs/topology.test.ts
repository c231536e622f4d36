import { createApp, memoryLog, stateObject, topic, type AnyStateObject, type Topic } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../../lib/core/logger.js'

const payment = z.object({ account: z.string(), shop: z.string(), cents: z.number() })
const payments = topic('payments', payment, { partitions: 2 })
const refunds = topic('refunds', payment, { partitions: 2 })

const sum = (name: string, key: 'account' | 'shop', ...inputs: readonly Topic<z.infer<typeof payment>>[]) =>
  inputs.reduce(
    (kind, input) =>
      kind.on(
        input,
        (value) => value[key],
        (state, { cents }) => {
          state.cents += cents
        },
      ),
    stateObject(name, { state: z.object({ cents: z.number() }), init: () => ({ cents: 0 }) }),
  )

/** A program of the app, and what it does until nothing is left to do. */
async function deploy<T>(
  log: ReturnType<typeof memoryLog>,
  objects: readonly AnyStateObject[],
  look: (app: ReturnType<typeof createApp>) => Promise<T>,
): Promise<T> {
  const app = createApp({ id: 'bank', objects, log, createTopics: true, logger: silentLogger })
  await app.start()
  await app.drained()
  const seen = await look(app)
  await app.close()
  return seen
}

const ann = { account: 'ann', shop: 'books', cents: 5 }

describe('what docs/deployment.md says of programs that change', () => {
  it('a kind that is new begins with what comes from now on in topics that the app has read before', async () => {
    const log = memoryLog()
    const account = sum('account', 'account', payments)
    const shop = sum('shop', 'shop', payments)
    await deploy(log, [account], () => log.send(payments, [ann]))
    await deploy(log, [account], async () => undefined)
    await deploy(log, [account, shop], () => log.send(payments, [ann]))
    const seen = await deploy(log, [account, shop], async (app) => [
      await app.state(account).get('ann'),
      await app.state(shop).get('books'),
    ])
    expect(seen).toEqual([{ cents: 10 }, { cents: 5 }])
  })

  it('a topic that is new is read from its beginning', async () => {
    const log = memoryLog()
    const before = sum('account', 'account', payments)
    const after = sum('account', 'account', payments, refunds)
    await deploy(log, [before], () => log.send(refunds, [ann]))
    expect(await deploy(log, [after], (app) => app.state(after).get('ann'))).toEqual({ cents: 5 })
  })

  it('a kind that was left out and comes back has the state that it had, and not what came meanwhile', async () => {
    const log = memoryLog()
    const account = sum('account', 'account', payments)
    const shop = sum('shop', 'shop', payments)
    await deploy(log, [account, shop], () => log.send(payments, [ann]))
    await deploy(log, [account, shop], async () => undefined)
    await deploy(log, [account], () => log.send(payments, [ann]))
    await deploy(log, [account], async () => undefined)
    expect(await deploy(log, [account, shop], (app) => app.state(shop).get('books'))).toEqual({ cents: 5 })
  })

  it('another key applies to what comes from now on, and objects of the old keys stay', async () => {
    const log = memoryLog()
    const before = sum('total', 'account', payments)
    const after = sum('total', 'shop', payments)
    await deploy(log, [before], () => log.send(payments, [ann]))
    await deploy(log, [before], async () => undefined)
    await deploy(log, [after], () => log.send(payments, [ann]))
    const seen = await deploy(log, [after], async (app) => [
      await app.state(after).get('ann'),
      await app.state(after).get('books'),
    ])
    expect(seen).toEqual([{ cents: 5 }, { cents: 5 }])
  })

  it('a kind of another name is another kind', async () => {
    const log = memoryLog()
    await deploy(log, [sum('account', 'account', payments)], () => log.send(payments, [ann]))
    await deploy(log, [sum('account', 'account', payments)], async () => undefined)
    const renamed = sum('customer', 'account', payments)
    expect(await deploy(log, [renamed], (app) => app.state(renamed).get('ann'))).toBeUndefined()
  })
})
