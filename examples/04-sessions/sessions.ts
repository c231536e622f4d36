import { session, stateObject, topic } from 'millrace'
import { z } from 'zod'

const click = z.object({ user: z.string(), at: z.number(), page: z.string() })
export type Click = z.infer<typeof click>

export const clicks = topic('clicks', click, { timestamp: ({ at }) => at })
export const visits = topic(
  'visits',
  z.object({ user: z.string(), start: z.number(), end: z.number(), pages: z.array(z.string()) }),
)

export const gapMinutes = 30
const gapMs = gapMinutes * 60_000

/** The pages of one visit with their times: clicks come late, so their order is only known at the end. */
const state = z.object({ pages: z.array(z.tuple([z.number(), z.string()])) })

/** A visit ends when there was no click for half an hour. */
export const visit = stateObject('visit', {
  state,
  init: () => ({ pages: [] }),
  window: session<z.infer<typeof state>>(gapMs, {
    grace: '45m',
    // A late click can show that what looked like two visits was one.
    merge: (earlier, later) => ({ pages: [...earlier.pages, ...later.pages] }),
  }),
})
  .on(
    clicks,
    ({ user }) => user,
    (state, { at, page }) => {
      state.pages.push([at, page])
    },
  )
  .onClose((state, turn) => {
    const pages = state.pages.sort(([a], [b]) => a - b)
    const { start, end } = turn.window
    // A session's window reaches a gap beyond its last record.
    turn.emit(visits, { user: turn.key, start, end: end - gapMs, pages: pages.map(([, page]) => page) })
  })
