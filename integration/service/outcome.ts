import type { ServiceProcess } from './child.js'
import type { Verdict } from './ledger.js'
import { patienceMs, type OrderState } from './orders.js'
import { isBlocked, isOdd, scoreOf } from './risk-service.js'
import type { Trade } from './trade.js'
import type { ServiceWorld } from './world.js'

async function outputsOf(world: ServiceWorld) {
  const { alerts, risks, revenues, receipts } = world.topics
  return {
    alerts: await world.values(alerts),
    risks: await world.values(risks),
    revenues: await world.values(revenues),
    receipts: await world.values(receipts),
    letters: await world.letters(),
  }
}

/** Resolves when there is at least as much of everything as there should be. */
export async function untilEverythingIsThere(world: ServiceWorld, { ledger }: Trade, end: number): Promise<void> {
  const placed = [...ledger.placed.values()]
  const revenues = ledger.revenues(end).size
  await world.until('all alerts, risks, revenues, receipts, rows and dead letters', async () => {
    const found = await outputsOf(world)
    const [alerted, given] = [ordersIn(found.alerts), ordersIn(found.receipts)]
    const rows = await world.rows()
    return (
      placed.every(({ order: { id }, alert }) => alert !== 'must' || alerted.has(id)) &&
      placed.every(({ order: { id }, receipt }) => receipt !== 'must' || given.has(id)) &&
      found.risks.length >= placed.filter(({ order }) => !isBlocked(order.id)).length &&
      found.revenues.length >= revenues &&
      found.letters.length >= ledger.letters.length &&
      ledger.payments.every(({ order }) => isOdd(order) || rows.has(order))
    )
  })
}

/** The orders of all tasks, each of which one of these processes has; waits while tasks are on the move. */
export async function ordersOf(
  world: ServiceWorld,
  least: number,
  ...processes: readonly ServiceProcess[]
): Promise<Map<string, OrderState>> {
  let all = new Map<string, OrderState>()
  await world.until(`${least} orders in the lists of ${processes.length} processes`, async () => {
    const lists = []
    for (const one of processes) lists.push(await one.orders(world.until))
    all = new Map(lists.flatMap((list) => [...(list ?? [])]))
    const listed = lists.reduce((sum, list) => sum + (list?.size ?? 0), 0)
    return all.size >= least && all.size === listed && lists.every((list) => list !== undefined && list.size > 0)
  })
  return all
}

/** Everything is as a fold over all that was sent, when no process is at work any more. */
export async function expectOutcome(
  world: ServiceWorld,
  { ledger }: Trade,
  end: number,
  states: ReadonlyMap<string, OrderState>,
): Promise<void> {
  const { alerts, risks, revenues, receipts, letters } = await outputsOf(world)
  const placed = [...ledger.placed.values()]

  expect(alerts.filter(({ order, at }) => at < (ledger.placed.get(order)?.sentAt ?? Infinity) + patienceMs)).toEqual([])
  expect(unlike(alerts, new Map(placed.map(({ order, alert }) => [order.id, alert])))).toEqual([])
  expect(unlike(receipts, new Map(placed.map(({ order, receipt }) => [order.id, receipt])))).toEqual([])
  expect(inOrder(states)).toEqual(inOrder(ledger.states(ordersIn(alerts), isOdd)))

  expect(revenues.map(shown).sort()).toEqual([...ledger.revenues(end).values()].map(shown).sort())
  const checked = [...ledger.placed.keys()].filter((id) => !isBlocked(id))
  expect(risks.map(shown).sort()).toEqual(checked.map((order) => shown({ order, score: scoreOf(order) })).sort())
  expect([...letters].sort()).toEqual([...ledger.letters].sort())
}

/** What must be there and is not, what must not and is, what is there twice, and what nobody knows. */
function unlike(found: readonly { readonly order: string }[], verdicts: ReadonlyMap<string, Verdict>): string[] {
  const times = new Map([...verdicts.keys()].map((id) => [id, 0]))
  for (const { order } of found) times.set(order, (times.get(order) ?? 0) + 1)
  const isRight: Record<Verdict, (count: number) => boolean> = {
    must: (count) => count === 1,
    never: (count) => count === 0,
    open: (count) => count <= 1,
  }
  return [...times]
    .filter(([id, count]) => !isRight[verdicts.get(id) ?? 'never'](count))
    .map(([id, count]) => `${id}: ${verdicts.get(id) ?? 'unknown'}, and there are ${count}`)
}

const ordersIn = (some: readonly { readonly order: string }[]): ReadonlySet<string> =>
  new Set(some.map(({ order }) => order))
const inOrder = (states: ReadonlyMap<string, OrderState>) => [...states].sort(([a], [b]) => (a < b ? -1 : 1))
const shown = (value: object): string => JSON.stringify(value)
