import { OwnRabbitmq } from '../setup/own-rabbitmq.js'
import { output, rowsOf } from './output.js'

/** Payment by payment. */
function expected(): string {
  const accounts = new Map<string, { balance: number; alerts: number[] }>()
  for (let n = 0; n < 1_000; n++) {
    const name = `account-${n % 5}`
    const one = accounts.get(name) ?? { balance: 0, alerts: [] }
    accounts.set(name, one)
    const before = one.balance
    one.balance += ((n * 7_919) % 201) - 95
    if (before >= 0 && one.balance < 0) one.alerts.push(one.balance)
  }
  return [...accounts]
    .filter(([, { alerts }]) => alerts.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { alerts }]) => `${name} ${alerts.length} ${Math.min(...alerts)}`)
    .join('\n')
}

it('payments come from a queue, and alerts go to another', async () => {
  const server = await OwnRabbitmq.start()
  try {
    expect(expected().split('\n').length).toBeGreaterThan(1)
    expect(rowsOf(await output('12-rabbitmq', ['--url', server.url]))).toBe(expected())
  } finally {
    await server.remove()
  }
}, 60_000)
