import { stateObject, text, topic } from 'millrace'
import { z } from 'zod'

export const lines = topic('tcp-lines', text())
export const counts = topic('tcp-word-counts', z.object({ word: z.string(), count: z.number() }))

export const wordsIn = (line: string): string[] => line.toLowerCase().match(/[a-z']+/g) ?? []

export const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) })
  .on(
    lines.flatMap(wordsIn),
    (w) => w,
    (state) => {
      state.count++
    },
  )
  .publish(counts, (state, word) => ({ word, count: state.count }))
