import { stateObject, type StateObject, type Topic } from 'millrace'
import { z } from 'zod'
import { eventTopic, type Event } from '../shared/setting.js'

export const inputOf = (id: string): Topic<Event> => eventTopic(`${id}-in`)

/** Counts per user; `microseconds` is what a turn costs beside what the library does. */
export function countOf(input: Topic<Event>, microseconds: number): StateObject<'user', { count: number }> {
  return stateObject('user', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
    input,
    (e) => e.user,
    (state) => {
      const until = performance.now() + microseconds / 1_000
      while (performance.now() < until);
      state.count++
    },
  )
}
