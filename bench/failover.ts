import { parseArgs } from 'node:util'
import type { Measured } from './failover/event.js'
import { runSetup, setups, type Comeback } from './failover/scenarios.js'
import { figure } from './failover/silence.js'
import { report, runName, whole } from './shared/setting.js'

/** How long tasks are silent when instances of an app come, go, are killed and come back; each instance is a process. */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    rounds: { type: 'string' },
    rate: { type: 'string' },
    interval: { type: 'string' },
    session: { type: 'string' },
    /** Names of setups, separated by commas. */
    only: { type: 'string' },
    /** Prints what happened around each event to stderr. */
    trace: { type: 'boolean', default: false },
  },
})
if (args.brokers === undefined) throw new Error('--brokers is needed: instances are processes, and share a Kafka')
const rounds = whole(args.rounds, 3)
const conditions = {
  brokers: args.brokers,
  rate: whole(args.rate, 2_000),
  commitIntervalMs: whole(args.interval, 100),
  sessionTimeoutMs: whole(args.session, 6_000),
}
const wanted = setups.filter(({ name }) => args.only === undefined || args.only.split(',').includes(name))
const figures = new Map<string, Map<string, number[]>>()

function note(scenario: string, measured: Measured & Partial<Comeback>): void {
  process.stderr.write(
    `${scenario}: ${Object.entries(measured)
      .map(([name, value]) => `${name} ${Math.round(value)}`)
      .join(', ')}\n`,
  )
  const known = figures.get(scenario) ?? new Map<string, number[]>()
  figures.set(scenario, known)
  for (const [name, value] of Object.entries(measured)) known.set(name, [...(known.get(name) ?? []), value])
}

const wrong: string[] = []
for (let round = 1; round <= rounds; round++) {
  for (const setup of wanted) {
    process.stderr.write(`round ${round}, ${setup.name}\n`)
    try {
      await runSetup(runName(`failover-${setup.name}`), setup, conditions, args.trace, note)
    } catch (error) {
      wrong.push(error instanceof Error ? error.message : String(error))
      process.stderr.write(`${wrong.at(-1)}\n`)
    }
  }
}

report({
  bench: 'failover',
  ...conditions,
  rounds,
  scenarios: Object.fromEntries(
    [...figures].map(([scenario, measured]) => [
      scenario,
      Object.fromEntries([...measured].map(([name, values]) => [name, figure(values)])),
    ]),
  ),
  ...(wrong.length === 0 ? {} : { wrong }),
  verified: wrong.length === 0,
})
