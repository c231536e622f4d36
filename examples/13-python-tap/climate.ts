import { stateObject, topic } from 'millrace'
import { sink, source } from 'millrace/connect'
import { singerSink, singerSource } from 'millrace/singer'
import { z } from 'zod'

const folder = 'examples/13-python-tap'
const High = z.object({ sensor: z.string(), celsius: z.number(), count: z.number().int() })

export const readings = topic('readings', z.object({ sensor: z.string(), celsius: z.number() }))
export const highs = topic('highs', High)

/** The highest reading of a sensor. */
export const sensor = stateObject('sensor', {
  state: z.object({ celsius: z.number().nullable(), count: z.number() }),
  init: () => ({ celsius: null, count: 0 }),
})
  .on(
    readings,
    ({ sensor }) => sensor,
    (state, { celsius }) => {
      state.celsius = Math.max(state.celsius ?? celsius, celsius)
      state.count++
    },
  )
  .publish(highs, ({ celsius, count }, sensor) => ({ sensor, celsius: celsius ?? 0, count }))

/** New lines of a file, by a program in Python that is started every second. */
export const lines = (path: string) =>
  source('readings', {
    into: readings,
    from: singerSource({ command: 'python3', args: [`${folder}/tap.py`], config: { path }, every: '1s' }),
    key: ({ sensor }) => sensor,
  })

/** Rows in SQLite, by another one. */
export const rows = (path: string) =>
  sink('highs', {
    from: highs,
    to: singerSink({
      command: 'python3',
      args: [`${folder}/target.py`],
      config: { path },
      schema: z.toJSONSchema(High),
      keyProperties: ['sensor'],
    }),
  })
