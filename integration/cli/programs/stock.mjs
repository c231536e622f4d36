// An app for the tests of the command: how much there is of each item. One item can be made to fail.
import { avro, createApp, json, stateObject, topic, tumbling } from 'millrace'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const { STOCK = 'stock', STOCK_BROKERS = 'localhost:9092', STOCK_DATA, STOCK_BAD, STOCK_TOKEN } = process.env
const move = z.object({ item: z.string(), qty: z.number() })
const moves = topic(`${STOCK}.moves`, move, { partitions: 2 })
const levels = topic(`${STOCK}.levels`, json(z.object({ item: z.string(), qty: z.number() })), { partitions: 2 })

const stock = stateObject('stock', { state: z.object({ qty: z.number() }), init: () => ({ qty: 0 }) })
  .on(moves, { key: ({ item }) => item, onError: { attempts: 1 } }, (state, { item, qty }) => {
    if (item === STOCK_BAD) throw new Error(`no place for ${qty} of ${item}`)
    state.qty += qty
  })
  .publish(levels, ({ qty }, item) => ({ item, qty }))

const packed = z.object({ moves: z.number() })
const busy = stateObject('busy', { state: packed, codec: avro(packed), init: () => ({ moves: 0 }) }).on(
  moves,
  ({ item }) => item,
  (state) => void state.moves++,
)

const daily = stateObject('daily', {
  state: z.object({ qty: z.number() }),
  init: () => ({ qty: 0 }),
  window: tumbling('1d'),
}).on(
  moves,
  ({ item }) => item,
  (state, { qty }) => void (state.qty += qty),
)

export const app = createApp({
  id: STOCK,
  objects: [stock, busy, daily],
  kafka: { brokers: STOCK_BROKERS.split(',') },
  createTopics: true,
  commitInterval: 10,
  http: { port: 0, token: STOCK_TOKEN },
  ...(STOCK_DATA === undefined ? {} : { dataDir: STOCK_DATA }),
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await app.start()
  console.log(app.http.url)
  await app.run()
}
