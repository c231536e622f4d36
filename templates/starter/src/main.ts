import { account, payments } from './account.js'
import { app, log } from './app.js'

// Starts it. At Ctrl-C or SIGTERM it finishes what it has begun, and this resolves.
const stopped = app.run()
await app.start()
console.log(`running on ${log.kind === 'memory' ? 'the embedded log' : 'Kafka'}, ${app.http?.url ?? 'without HTTP'}`)

// What another service would send.
if (log.kind === 'memory' || process.argv.includes('--demo')) {
  const people = ['ann', 'ben', 'cleo']
  await log.send(
    payments,
    Array.from({ length: 30 }, (_, n) => ({ account: people[n % people.length] ?? 'ann', cents: 100 + n })),
  )
  await app.drained()
  for (const name of people) {
    const state = await app.state(account).get(name)
    if (state !== undefined) console.log(`${name} has ${state.cents} cents after ${state.payments} payments`)
  }
}

await stopped
