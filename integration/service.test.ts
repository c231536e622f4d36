import type { ServiceProcess } from './service/child.js'
import { patienceMs } from './service/orders.js'
import { expectOutcome, ordersOf, untilEverythingIsThere } from './service/outcome.js'
import { isBlocked, isOdd } from './service/risk-service.js'
import { Trade } from './service/trade.js'
import { ServiceWorld, sessionTimeoutMs } from './service/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('a service of orders and payments', (brokers) => {
  let world: ServiceWorld
  let trade: Trade
  beforeAll(async () => {
    world = await ServiceWorld.open(brokers)
    trade = new Trade(world)
  }, 60_000)
  afterAll(() => world.close(), 60_000)

  it('does everything once through poison, an outage of what it asks, a kill and two deployments', async () => {
    const [a1, b1] = await Promise.all([world.start('a', 1), world.start('b', 1)])
    await trade.round({ paid: 40, slow: 4, unpaid: 6 })
    await poison()
    await trade.round()
    await killInAnOutage(b1, a1)

    const b2 = await trade.during(world.start('b', 2))
    await trade.during(world.stop(a1))
    const a2 = await trade.during(world.start('a', 2))
    await trade.round()
    await payAfterAlerts()

    // Those who are paid now get a receipt if the version that takes the payment gives them.
    trade.receipts = 'open'
    await trade.during(world.stop(b2))
    const b3 = await trade.during(world.start('b', 3))
    await trade.during(world.stop(a2))
    trade.receipts = 'must'
    const a3 = await trade.during(world.start('a', 3))
    await trade.round({ paid: 20, slow: 2, unpaid: 2 })

    const { ledger } = trade
    const end = await trade.close()
    await untilEverythingIsThere(world, trade, end)
    const states = await ordersOf(world, ledger.states(new Set(), isOdd).size, a3, b3)
    const refused = [...ledger.placed.keys()].filter((id) => isOdd(id) || isBlocked(id)).length
    await world.until(
      `${refused} objects in quarantine`,
      () => a3.health!.quarantined + b3.health!.quarantined === refused,
    )
    await Promise.all([world.stop(a3), world.stop(b3)])
    await expectOutcome(world, trade, end, states)
    expect(world.errors).not.toMatch(/unhandled|STATE_NEWER|the app stops/i)
  }, 300_000)

  /** Orders that cannot be read, that a handler throws for each time, and that the service it asks has no use for. */
  async function poison(): Promise<void> {
    const { letters, placed, payments } = trade.ledger
    const odd = ['odd-1', 'odd-2']
    const blocked = ['blocked-1', 'blocked-2']
    await trade.garbage(['not json', '{"name":"no order"}'])
    await trade.place(odd, 10.5)
    await trade.place(blocked)
    letters.push(...odd.map((id) => `order HANDLER_FAILED ${id}`), ...blocked.map((id) => `risk HANDLER_FAILED ${id}`))
    for (const id of odd) placed.get(id)!.alert = 'never'
    await world.until('dead letters', async () => (await world.letters()).length >= letters.length)
    await trade.pay(odd)
    const behind = payments.filter(({ order }) => isOdd(order))
    letters.push(...behind.map(({ order }) => `order QUARANTINED ${order}`))
  }

  /**
   * What the service asks is down, and an instance dies at work. Orders of its tasks are paid while nobody has these, so
   * their timers are due when the other takes over, before it has read the payments.
   */
  async function killInAnOutage(victim: ServiceProcess, survivor: ServiceProcess): Promise<void> {
    const { risk } = world
    const { placed } = trade.ledger
    risk.isDown = true
    await trade.round({ paid: 20, slow: 2, unpaid: 2 })
    await world.until('many questions in vain', () => risk.refusals >= 20)
    await ordersOf(world, 1, victim, survivor)

    const waiting = Array.from({ length: 40 }, (_, i) => `waiting-${i}`)
    await trade.place(waiting)
    await world.until('rows of the orders that wait', async () => {
      const rows = await world.rows()
      return waiting.every((id) => rows.has(id))
    })
    const ofVictim = await victim.orders(world.until)
    const orphaned = waiting.filter((id) => ofVictim?.has(id) === true)
    expect(orphaned.length).toBeGreaterThan(0)
    const atWork = Array.from({ length: 60 }, (_, i) => `at-work-${i}`)
    await trade.place(atWork)
    await trade.pay(atWork)
    await world.kill(victim)
    const killedAt = Date.now()
    await trade.pay(orphaned)
    const tookMs = Date.now() - killedAt
    await trade.paid([...orphaned, ...atWork])
    for (const order of orphaned.map((id) => placed.get(id)!)) {
      // Else the timer may have been due before the kill, or the payment come after the takeover.
      const isSure = killedAt - order.sentAt < patienceMs && tookMs < sessionTimeoutMs / 2
      order.alert = isSure ? 'never' : 'open'
    }
    risk.isDown = false
  }

  /** Too late to have no alert. */
  async function payAfterAlerts(): Promise<void> {
    const { placed } = trade.ledger
    const late = [...placed.keys()].filter((id) => id.startsWith('unpaid')).slice(0, 8)
    await world.until('alerts of what is not paid', async () => {
      const alerted = new Set((await world.values(world.topics.alerts)).map(({ order }) => order))
      return late.every((id) => alerted.has(id))
    })
    await trade.pay(late)
    await trade.paid(late)
    for (const id of late) placed.get(id)!.alert = 'must'
  }
})
