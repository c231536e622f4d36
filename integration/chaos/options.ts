import { parseArgs } from 'node:util'

/** Kinds of faults that there are when nothing is said. */
const usual = ['kill', 'zombie', 'scale', 'broker', 'network', 'disk', 'topic'] as const
/** `growth` has to be asked for: a run of it cannot be compared with others, as sources do not shrink again. */
export const families = [...usual, 'growth'] as const
export type Family = (typeof families)[number]

export interface ChaosOptions {
  readonly minutes: number
  readonly seed: number
  readonly faults: readonly Family[]
  /** Names of faults that are left out. */
  readonly without: readonly string[]
  readonly brokers: 1 | 3
  /** Instances at most. */
  readonly instances: number
  /** Input records a second. */
  readonly rate: number
  readonly objects: number
  readonly partitions: number
  /** `standbyReplicas` of the app. */
  readonly standbys: number
  /** Part of the turns that fail or take a while. With any there are timers too, and their alarms are checked. */
  readonly trouble: number
  readonly sessionTimeoutMs: number
  readonly commitIntervalMs: number
}

export const usage = `usage: npm run chaos -- [--minutes 5] [--seed N] [--faults ${usual.join(',')}] [--brokers 1|3] [--instances 1..4]
  Starts brokers and instances of its own, injects faults until the time is over, then compares everything that is left
  with the input. Progress goes to stderr; the result is one line of JSON on stdout. The seed decides the faults and the
  input, not what the machine makes of them.
  --rate 1000 (records a second)  --objects 2000  --partitions 6  --session-timeout 2000 (ms)  --commit-interval 50 (ms)
  --without kill-all,zombie (names of faults)
  --trouble 0.01 (part of the turns that fail or take a while; with timers)
  --standbys 0  --faults …,growth: source partitions are added too
`

/** Throws a sentence for people. */
export function optionsFrom(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: usual.join(',') },
      without: { type: 'string', default: '' },
      brokers: { type: 'string', default: '1' },
      instances: { type: 'string', default: '4' },
      rate: { type: 'string', default: '1000' },
      objects: { type: 'string', default: '2000' },
      partitions: { type: 'string', default: '6' },
      standbys: { type: 'string', default: '0' },
      trouble: { type: 'string', default: '0' },
      'session-timeout': { type: 'string', default: '2000' },
      'commit-interval': { type: 'string', default: '50' },
    },
  })
  const number = (name: keyof typeof values, least: number, most: number): number => {
    const value = Number(values[name])
    if (value >= least && value <= most) return value
    throw new Error(`--${name} ${values[name]}: a number from ${least} to ${most} is needed`)
  }
  const brokers = number('brokers', 1, 3)
  if (brokers !== 1 && brokers !== 3) throw new Error('--brokers: 1 or 3')
  return {
    minutes: number('minutes', 0.1, 1_440),
    seed: number('seed', 0, 2 ** 32 - 1),
    faults: values.faults.split(',').map(familyOf),
    without: values.without.split(','),
    brokers,
    instances: number('instances', 1, 4),
    rate: number('rate', 1, 100_000),
    objects: number('objects', 1, 1_000_000),
    partitions: number('partitions', 1, 100),
    standbys: number('standbys', 0, 3),
    trouble: number('trouble', 0, 0.5),
    sessionTimeoutMs: number('session-timeout', 1_000, 60_000),
    commitIntervalMs: number('commit-interval', 1, 10_000),
  }
}

function familyOf(name: string): Family {
  const family = families.find((known) => known === name)
  if (family !== undefined) return family
  throw new Error(`--faults ${name}: there are ${families.join(', ')}`)
}
