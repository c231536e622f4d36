import { z } from 'zod'
import { text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { Driver } from '../../testing/driver.js'
import type { ReplaySelection } from '../../app/replaying/selection.js'
import { reportText, sendLetters, type SendingReport } from './sending.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const raw = topic('orders', text())

let bad: Set<number>
let driver: Driver
let notes: string[]
beforeEach(() => {
  bad = new Set([1])
  notes = []
  const order = stateObject('order', { state: z.object({ seen: z.number() }), init: () => ({ seen: 0 }) }).on(
    orders,
    { key: ({ id }) => id, onError: { attempts: 1 } },
    (state, { n }) => {
      state.seen++
      if (bad.has(n)) throw new Error('cannot')
    },
  )
  driver = new Driver({ objects: [order], failures: 'expect', partitions: 1 })
})
afterEach(() => driver[Symbol.asyncDispose]())

const fail = (id: string): Promise<unknown> => driver.send(orders, { id, n: 1 }, { key: id })

function sendBack(selection: ReplaySelection, execute = false): Promise<SendingReport> {
  const note = (_fields: object, message = ''): void => void notes.push(message)
  const logger = { debug: note, info: note, warn: note, error: note }
  return sendLetters(driver.log, { app: 'test', execute, selection, logger, signal: new AbortController().signal })
}

it('counts the letters that are open, and says how many were done already', async () => {
  await fail('a')
  await fail('b')
  bad.clear()
  await driver.replayDeadLetters({ only: { key: 'a' } })
  for (const execute of [false, true]) {
    const report = await sendBack({ only: {} }, execute)
    expect(report).toMatchObject({ replayed: 1, objects: 1, done: 1, sentInAll: 1, sent: ['0@2 order b'] })
    expect(reportText(report, execute)).toMatch(
      /1 letter (to be )?sent back to 1 object\n1 letter met that was done already/,
    )
  }
})

it('says of what is only tried that it would be done', async () => {
  await fail('a')
  const drop = { key: 'a', reason: 'a test' }
  const told = reportText(await sendBack({ drop }), false)
  expect(notes).toEqual([expect.stringMatching(/would be dropped: a test$/)])
  expect(told).toMatch(/1 letter to be dropped\n {2}0@0 order a, dropped\n/)
  expect(told).not.toMatch(/0 letters/)
  await sendBack({ drop }, true)
  expect(notes.at(-1)).toMatch(/is dropped: a test$/)
})

it('lists of those without an object only what an edit has made something of', async () => {
  await driver.send(raw, '{"id":', { key: 'a' })
  await driver.send(raw, '{"id"', { key: 'a' })
  const edit: ReplaySelection['edit'] = ({ record }) =>
    record.value?.length === 6 ? { value: '{"id":"a","n":2}' } : undefined
  const report = await sendBack({ edit })
  expect(report).toMatchObject({ resent: 1, leftInAll: 1, sent: ['0@0'] })
  expect(report.left.map(({ offset }) => offset)).toEqual([2])
})

it('says so when there is nothing to send', async () => {
  await fail('a')
  bad.clear()
  await driver.replayDeadLetters()
  const report = await sendBack({ only: {} })
  expect(reportText(report, false)).toMatch(/no letters to be sent\n1 letter met that was done already$/)
})
