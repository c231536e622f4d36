import { z } from 'zod'
import { json } from '../../lib/codec/json/json.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'

/** An app whose instances ask each other: most of its records hop. */
export const askedOptions = (appId: string) => {
  const inputs = topic(`${appId}-inputs`, json(z.object({ lane: z.string(), key: z.string() })), { partitions: 4 })
  const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    inputs,
    ({ key }) => key,
    (state) => void state.n++,
  )
  return {
    inputs,
    counter,
    options: { id: appId, objects: [counter], sessionTimeout: '6s', http: { port: 0 } } as const,
  }
}
