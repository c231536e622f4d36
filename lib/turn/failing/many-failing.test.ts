import { z } from 'zod'
import { createApp } from '../../app/create-app.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject, type Handler } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'

const orders = topic('orders', z.object({ id: z.string(), bad: z.boolean() }))
type Order = { id: string; bad: boolean }
type State = { n: number; odd?: unknown }

const state = z.object({ n: z.number(), odd: z.any().optional() })
const init = (): State => ({ n: 0 })
const input = { key: ({ id }: Order) => id, onError: { attempts: 1 } }

const throws = (): never => {
  throw new Error('this one fails')
}
const leavesNoForm = (kept: State): void => void (kept.odd = 1n)

const plain = (fails: (kept: State) => void) =>
  stateObject('order', { state, init }).on(orders, input, ((kept, { bad }) => {
    kept.n++
    if (bad) fails(kept)
  }) as Handler<State, Order>)

const later = (fails: (kept: State) => void) =>
  stateObject('order', { state, init }).on(orders, input, (async (kept, { bad }) => {
    kept.n++
    await Promise.resolve()
    if (bad) fails(kept)
  }) as Handler<State, Order>)

const windowed = stateObject('order', { state, init, window: tumbling('1h') }).on(orders, input, ((kept, { bad }) => {
  kept.n++
  if (bad) throws()
}) as Handler<State, Order>)

const withRow = (kind: ReturnType<typeof plain>) =>
  kind.publish(topic('rows', z.number()), ({ n, odd }) => (odd === 'none' ? throws() : n))
const leavesNoRow = (kept: State): void => void (kept.odd = 'none')

const objects = 300
/** Each object is changed in the commit in which it fails. */
const records = Array.from({ length: objects }, (_, n) => [
  { id: `o${n}`, bad: false },
  { id: `o${n}`, bad: true },
]).flat()

describe('many objects that fail in one commit', () => {
  it.each([
    ['by throwing', plain(throws)],
    ['with a state that has no form', plain(leavesNoForm)],
    ['with a row that cannot be made', withRow(plain(leavesNoRow))],
    ['by rejecting', later(throws)],
    ['with a state that has no form, later', later(leavesNoForm)],
    ['with a row that cannot be made, later', withRow(later(leavesNoRow))],
    ['in windows', windowed],
  ])('are not done again for each of them: %s', async (_how, kind) => {
    const log = memoryLog({ partitions: 1 })
    await log.send(orders, records)
    let redone = 0
    const debug = (_fields: object, message = ''): void => void (redone += message.includes('processed again') ? 1 : 0)
    const logger = { ...silentLogger, debug }
    const app = createApp({ id: 'app', log, objects: [kind], createTopics: true, logger })
    await app.start()
    await app.drained()
    const { turns, failed, deadLetters } = app.stats()
    await app.close()
    expect({ turns, failed, deadLetters }).toEqual({ turns: objects, failed: objects, deadLetters: objects })
    expect(redone).toBeLessThan(10)
  })
})
