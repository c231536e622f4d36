// After the integration tests: stops the broker that start.mjs started, and no other.
import { rmSync } from 'node:fs'
import { stopBroker } from '../kafka/broker.mjs'

export default async function stop() {
  const dir = globalThis.ownBroker
  if (dir === undefined) return
  await stopBroker({ dir })
  delete process.env.KAFKA_BROKERS
  rmSync(dir, { recursive: true, force: true })
}
