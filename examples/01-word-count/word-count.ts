import { stateObject, text, topic } from 'millrace'
import { z } from 'zod'

/** Lines of a text, as records without keys: every word hops to the partition that owns it. */
export const lines = topic('lines', text())
export const counts = topic('word-counts', z.object({ word: z.string(), count: z.number() }))

export const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) })
  .on(
    lines.flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? []),
    (w) => w,
    (state) => {
      state.count++
    },
  )
  .publish(counts, (state, word) => ({ word, count: state.count }))
