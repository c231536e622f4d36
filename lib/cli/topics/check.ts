import { wrongConfigs } from '../../runtime/setup/own-topics.js'
import type { Plan, PlannedTopic } from './plan.js'

/** What is not as it has to be. */
export interface Finding {
  readonly topic: string
  /** `error`: the app does not start, or loses something. `warning`: it works, perhaps not as was meant. */
  readonly severity: 'error' | 'warning'
  readonly what: 'missing' | 'partitions' | 'config' | 'unclaimed'
  readonly message: string
  readonly have?: string | number
  readonly want?: string | number
}

/** All that is not as the program needs it, the worst first. */
export function findingsIn({ topics, unclaimed }: Plan): readonly Finding[] {
  const findings = [
    ...topics.flatMap((topic) => [...findingsOf(topic)]),
    ...unclaimed.map((topic): Finding => ({
      topic,
      severity: 'warning',
      what: 'unclaimed',
      message: 'it holds state that no state object of the program claims: was one renamed or removed?',
    })),
  ]
  return findings.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'))
}

function* findingsOf(planned: PlannedTopic): Iterable<Finding> {
  const { topic, own, found, roles, partitions: want } = planned
  if (found === undefined) {
    yield missing(planned)
    return
  }
  const { partitions: have } = found
  if (want !== undefined && have !== want && !roles.includes('dead letters')) {
    const message = own
      ? `it has ${have} partitions, and the state of the app has ${want}, which cannot change`
      : `it has ${have} partitions and its definition says ${want}: it is used as it is`
    yield { topic, severity: own ? 'error' : 'warning', what: 'partitions', message, have, want }
  }
  yield* configsOf(planned)
}

function missing({ topic, own, roles }: PlannedTopic): Finding {
  const isMadeAtStart = own && roles.includes('positions')
  const message = own
    ? 'it does not exist: the app makes it at its first start, or topics create does'
    : 'it does not exist'
  return { topic, severity: isMadeAtStart ? 'warning' : 'error', what: 'missing', message }
}

function* configsOf({ topic, own, configs, found, roles }: PlannedTopic): Iterable<Finding> {
  // How long dead letters are kept is for those to say who own the topic.
  if (found === undefined || roles.includes('dead letters')) return
  const compacts = (policy: string): boolean => policy.split(',').some((each) => each.trim() === 'compact')
  for (const { config, have, want } of wrongConfigs({ configs }, found)) {
    if (!own && compacts(have)) continue
    const message = own
      ? `it has ${config}=${have} and needs ${config}=${want}, or something would be lost: correct it with kafka-configs`
      : `it is looked up, and has ${config}=${have}: rows that retention removes are missing after a start`
    yield { topic, severity: own ? 'error' : 'warning', what: 'config', message, have, want }
  }
}
