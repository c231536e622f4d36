import { stateObject, topic, type StateObject, type Topic } from 'millrace'
import { z } from 'zod'

const update = z.object({ n: z.number(), by: z.string() })
const state = z.object({ count: z.number(), note: z.string() })

export const partitions = 12

/** The topics of one app, each with the app's own name. */
export interface FailoverTopics {
  readonly input: Topic<{ readonly key: string }>
  /** One record per update, in the partition of its task: which update of its key it is, and who made it. */
  readonly updates: Topic<z.infer<typeof update>>
}

export function topicsOf(app: string): FailoverTopics {
  return {
    input: topic(`${app}-in`, z.object({ key: z.string() }), { partitions }),
    updates: topic(`${app}-updates`, update, { partitions }),
  }
}

export const keyName = (index: number): string => `key-${index}`

/** Counts the records of each key; about 80 bytes of state. */
export function counter({ input, updates }: FailoverTopics, by: string): StateObject<'counter', z.infer<typeof state>> {
  return stateObject('counter', { state, init: () => ({ count: 0, note: 'x'.repeat(56) }) }).on(
    input,
    ({ key }) => key,
    (object, _, turn) => turn.emit(updates, { n: ++object.count, by }),
  )
}
