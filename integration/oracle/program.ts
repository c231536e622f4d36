import { stateObject, topic, type AnyStateObject, type StateObject, type Topic, type Turn } from 'millrace'
import { z } from 'zod'

/** The n-th record of an object; `place` counts from the object's creation, and `ends` deletes it. */
const numbered = z.object({ key: z.string(), n: z.number(), place: z.number(), ends: z.boolean() })
const update = z.object({ key: z.string(), n: z.number() })
const state = z.object({ count: z.number(), last: z.array(z.number()) })
const row = state.extend({ key: z.string() })
const refusal = z.object({ came: numbered, found: state.nullable(), source: z.string() })

export type Numbered = z.infer<typeof numbered>
export type OracleState = z.infer<typeof state>
export type Refusal = z.infer<typeof refusal>

/** Of every topic, unless a test says otherwise. */
export const partitions = 4

/** The topics of one app of these tests, each with the app's own name. */
export interface OracleTopics {
  readonly input: Topic<Numbered>
  readonly updates: Topic<z.infer<typeof update>>
  readonly rows: Topic<z.infer<typeof row>>
  readonly copy: Topic<Numbered>
  /** What objects refused; empty when the library keeps its promise. */
  readonly errors: Topic<Refusal>
  /** What timers said; see `alarmOf`. */
  readonly alarms: Topic<z.infer<typeof update>>
  readonly changelog: Topic<OracleState>
  readonly inbox: string
}

export function topicsOf(app: string, count = partitions): OracleTopics {
  const options = { partitions: count }
  return {
    input: topic(`${app}-input`, numbered, options),
    updates: topic(`${app}-updates`, update, options),
    rows: topic(`${app}-rows`, row, options),
    copy: topic(`${app}-copy`, numbered, options),
    errors: topic(`${app}-errors`, refusal, options),
    alarms: topic(`${app}-alarms`, update, options),
    changelog: topic(`${app}-object-changelog`, state),
    inbox: `${app}-object-inbox`,
  }
}

/**
 * A kind that notices by itself when a record is lost, doubled or out of order, or its own state is not the latest: it
 * takes only the record that is due, and reports every other one. `trouble`: the part of its turns that fail when all is
 * done, or take a while; those that fail are tried again.
 */
export function objectOf(topics: OracleTopics, trouble = 0): StateObject<'object', OracleState> {
  const onError = { attempts: 1_000, backoff: 10 }
  return stateObject('object', { state, init: () => ({ count: 0, last: [] }) })
    .on(topics.input, { key: ({ key }) => key, onError }, (object, came, turn) => {
      const fate = trouble === 0 ? 1 : Math.random() / trouble
      if (fate < 0.5) return moment().then(() => take(topics, object, came, turn))
      take(topics, object, came, turn)
      if (fate < 1 && trouble > 0) throw new Error('trouble was asked for')
      return undefined
    })
    .publish(topics.rows, ({ count, last }, key) => ({ key, count, last: [...last] }))
}

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2))

function take({ updates, errors }: OracleTopics, object: OracleState, came: Numbered, turn: Turn): void {
  const { key, n, place, ends } = came
  const isNext = n === (object.last.at(-1) ?? n - 1) + 1
  if (place !== object.count + 1 || !isNext) {
    const { topic: from, partition, offset } = turn.record
    const found = turn.isNew ? null : { count: object.count, last: [...object.last] }
    turn.emit(errors, { came, found, source: `${from}[${partition}]@${offset}` })
    if (turn.isNew) turn.delete()
    return
  }
  object.count++
  object.last = [...object.last.slice(-3), n]
  turn.emit(updates, { key, n })
  if (ends) turn.delete()
}

/** Every so many records of an object its alarm is set anew. */
export const alarmEvery = 3
const alarmMs = 200

/** Rings once for the record it was set by last, and reports when it rings for another or again. */
export function alarmOf({ input, alarms, errors }: OracleTopics): AnyStateObject {
  const due = z.object({ set: z.number(), rung: z.number() })
  return stateObject('alarm', { state: due, init: () => ({ set: 0, rung: 0 }) })
    .timers({ ring: z.object({ n: z.number() }) })
    .on(
      input,
      ({ key }) => key,
      (alarm, { n }, turn) => {
        if (n % alarmEvery !== 0) return
        alarm.set = n
        turn.timer('ring', alarmMs, { n })
      },
    )
    .onTimer('ring', (alarm, { n }, turn) => {
      if (n !== alarm.set || n <= alarm.rung) {
        const came = { key: turn.key, n, place: 0, ends: false }
        turn.emit(errors, { came, found: { count: alarm.rung, last: [alarm.set] }, source: 'ring' })
      }
      alarm.rung = n
      turn.emit(alarms, { key: turn.key, n })
    })
}
