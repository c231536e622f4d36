// Before the integration tests: compiles what they start as processes of their own, and sees to a broker. KAFKA_BROKERS
// names one to use; without it a broker is started from Maven jars and stopped at the end.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '../../scripts/compile.mjs'
import { freePort, startBroker } from '../kafka/broker.mjs'
import { missingTool } from '../kafka/jars.mjs'
import { suitesWithKafka } from './suites.mjs'

export default async function start() {
  try {
    compile()
  } catch (error) {
    // As with the tests themselves, types are the type check's business: the compiler has written what runs all the same.
    process.stderr.write(`${error.message}\n`)
  }
  if (process.env.KAFKA_BROKERS) return
  const missing = missingTool()
  if (missing === undefined) {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
    globalThis.ownBroker = dir
    process.env.KAFKA_BROKERS = await startBroker({ dir, port: await freePort() })
    return
  }
  const suites = suitesWithKafka()
  const notice = `No broker: ${missing}\nOr name one in KAFKA_BROKERS. NOT RUN, ${suites.length} suites:\n  ${suites.join('\n  ')}\n`
  if (process.env.CI === 'true') throw new Error(`${notice}With CI=true that is a failure.`)
  process.stderr.write(`\n${'!'.repeat(100)}\n${notice}${'!'.repeat(100)}\n\n`)
}
