import { z } from 'zod'
import { silentLogger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { createApp } from './create-app.js'

const orders = topic('orders', z.object({ id: z.string() }))

it('drained() says how many turns are to be tried again, or wait behind one that is; it does not wait for them', async () => {
  let isDown = true
  const kind = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    orders,
    { key: ({ id }) => id, onError: { attempts: 5, backoff: '1h' } },
    (own, { id }) => {
      own.n++
      if (id !== 'fine' && isDown) throw new Error('down')
    },
  )
  const log = memoryLog({ partitions: 2 })
  const options = { id: 'app', log, objects: [kind], createTopics: true, logger: silentLogger }
  const send = (...ids: readonly string[]): Promise<unknown> =>
    log.send(
      orders,
      ids.map((id) => ({ id })),
    )
  {
    await using app = createApp(options)
    await app.start()
    expect(await app.drained()).toEqual({ waiting: 0 })
    await send('a', 'fine', 'a', 'a', 'b', 'fine')
    expect(await app.drained()).toEqual({ waiting: 4 })
    expect(await app.state(kind).get('fine')).toEqual({ n: 2 })
  }
  isDown = false
  await using app = createApp(options)
  await app.start()
  expect(await app.drained()).toEqual({ waiting: 4 })
})
