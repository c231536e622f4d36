import { stateObject, topic, type StateObject, type Topic } from 'millrace'
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
    changelog: topic(`${app}-object-changelog`, state),
    inbox: `${app}-object-inbox`,
  }
}

/**
 * A kind that notices by itself when a record is lost, doubled or out of order, or its own state is not the latest: it
 * takes only the record that is due, and reports every other one.
 */
export function objectOf({ input, updates, rows, errors }: OracleTopics): StateObject<'object', OracleState> {
  return stateObject('object', { state, init: () => ({ count: 0, last: [] }) })
    .on(
      input,
      ({ key }) => key,
      (object, came, turn) => {
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
      },
    )
    .publish(rows, ({ count, last }, key) => ({ key, count, last: [...last] }))
}
