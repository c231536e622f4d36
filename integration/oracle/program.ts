import { stateObject, topic, type StateObject, type Topic } from 'millrace'
import { z } from 'zod'

const numbered = z.object({ key: z.string(), n: z.number() })
const state = z.object({ count: z.number(), last: z.array(z.number()), violation: z.string().nullable() })
const row = state.extend({ key: z.string() })

export type OracleState = z.infer<typeof state>

export const partitions = 4

/** The topics of one app of these tests, each with the app's own name. */
export interface OracleTopics {
  readonly input: Topic<z.infer<typeof numbered>>
  readonly updates: Topic<z.infer<typeof numbered>>
  readonly rows: Topic<z.infer<typeof row>>
  readonly copy: Topic<z.infer<typeof numbered>>
  readonly changelog: Topic<OracleState>
  readonly inbox: string
}

export function topicsOf(app: string): OracleTopics {
  return {
    input: topic(`${app}-input`, numbered, { partitions }),
    updates: topic(`${app}-updates`, numbered, { partitions }),
    rows: topic(`${app}-rows`, row, { partitions }),
    copy: topic(`${app}-copy`, numbered, { partitions }),
    changelog: topic(`${app}-object-changelog`, state),
    inbox: `${app}-object-inbox`,
  }
}

/**
 * A kind that notices by itself when a record is lost, doubled or out of order: each object expects n to be one more than
 * the last it saw, and keeps the first exception for all to see.
 */
export function objectOf({ input, updates, rows }: OracleTopics): StateObject<'object', OracleState> {
  return stateObject('object', { state, init: () => ({ count: 0, last: [], violation: null }) })
    .on(
      input,
      ({ key }) => key,
      (object, { key, n }, turn) => {
        const expected = (object.last.at(-1) ?? 0) + 1
        if (n !== expected) object.violation ??= `${n} came where ${expected} was due`
        object.count++
        object.last = [...object.last.slice(-3), n]
        turn.emit(updates, { key, n })
      },
    )
    .publish(rows, ({ count, last, violation }, key) => ({ key, count, last: [...last], violation }))
}
