import {
  avro,
  avroSchema,
  lookup,
  memoryLog,
  session,
  stateObject,
  text,
  topic,
  tumbling,
  type DeepReadonly,
  type StateOptions,
  type Topic,
  type Turn,
} from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

// What must compile, and, under `@ts-expect-error`, what must not.

const tier = z.object({ tier: z.enum(['basic', 'gold']) })
const place = z.object({
  at: z.tuple([z.number(), z.number()]),
  tags: z.array(z.string()),
  version: z.literal('v1'),
  seen: z.record(z.string(), z.number()),
  note: z.string().nullable(),
  count: z.number().optional(),
})
const door = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), since: z.number() }),
  z.object({ kind: z.literal('closed'), why: z.string().nullable() }),
])
const size = z.enum(['s', 'm'])

const lines = topic('lines', text())
const tiers = topic('tiers', tier)
const places = topic('places', place)
const doors = topic('doors', door)
const sizes = topic('sizes', size)
const keyOf = (): string => 'k'

// init

export const ofTier = stateObject('tier', { state: tier, init: () => ({ tier: 'basic' }) })
export const byKey = stateObject('tier', { state: tier, init: (key) => ({ tier: key === '' ? 'basic' : 'gold' }) })
export const ofPlace = stateObject('place', {
  state: place,
  init: () => ({ at: [0, 0], tags: [], version: 'v1', seen: {}, note: null }),
})
export const ofDoor = stateObject('door', { state: door, init: () => ({ kind: 'open', since: 0 }) })
export const eitherDoor = stateObject('door', {
  state: door,
  init: (key) => (key === '' ? { kind: 'open', since: 0 } : { kind: 'closed', why: null }),
})
export const ofSize = stateObject('size', { state: size, init: () => 's' })
export const ofNumber = stateObject('number', { state: z.union([z.literal(1), z.literal(2)]), init: () => 1 })
export const ofNothing = stateObject('nothing', { state: z.null(), init: () => null })
export const ofList = stateObject('list', { state: z.array(tier), init: () => [{ tier: 'gold' }] })
export const given: StateOptions<typeof tier> = { state: tier, init: () => ({ tier: 'gold' }) }
export const ofGiven = stateObject('tier', given)

/** The kind of a schema that is not known here. */
export function kindOf<S extends z.ZodType<{ n: number }>>(state: S, init: () => z.output<S>): unknown {
  return stateObject('any', { state, init })
}

// @ts-expect-error no such member of the enum
stateObject('tier', { state: tier, init: () => ({ tier: 'silver' }) })
// @ts-expect-error a tuple of another length
stateObject('place', { state: place, init: () => ({ at: [0], tags: [], version: 'v1', seen: {}, note: null }) })
// @ts-expect-error a field of another branch
stateObject('door', { state: door, init: () => ({ kind: 'open', why: 'x' }) })
// @ts-expect-error a field is missing
stateObject('place', { state: place, init: () => ({ at: [0, 0] }) })
// @ts-expect-error no such size
stateObject('size', { state: size, init: () => 'xl' })
// @ts-expect-error another number
stateObject('number', { state: z.literal(1), init: () => 2 })
// @ts-expect-error init cannot wait
stateObject('tier', { state: tier, init: async () => ({ tier: 'basic' }) })
// @ts-expect-error nothing
stateObject('tier', { state: tier, init: () => undefined })

// publish

export const published = ofPlace
  .publish(tiers, () => ({ tier: 'gold' }))
  .publish(doors, (s) => (s.at[0] > 0 ? { kind: 'open', since: s.at[1] } : { kind: 'closed', why: null }))
  .publish(doors, (s) => (s.tags.length === 0 ? null : { kind: 'closed', why: s.note }))
  .publish(places, (s) => s)
  .publish(places, (s, key) => ({ ...s, tags: [key, ...s.tags], seen: { [key]: 1 } }))
  .publish(sizes, (s) => (s.note === null ? 's' : 'm'))
  .publish(sizes, (s) => (s.note === null ? null : 'm'))
  .publish(lines, (s, key) => `${key}: ${s.at[0]}`)

/** Publishes to a topic that is not known here. */
export function publishedTo<V>(target: Topic<V>, row: (key: string) => V): unknown {
  return ofTier.publish(target, (_state, key) => row(key))
}

// @ts-expect-error no such member of the enum
ofPlace.publish(tiers, () => ({ tier: 'silver' }))
// @ts-expect-error a branch without its field
ofPlace.publish(doors, () => ({ kind: 'open' }))
// @ts-expect-error no such size
ofPlace.publish(sizes, () => 'xl')
// @ts-expect-error a row cannot wait
ofPlace.publish(tiers, async () => ({ tier: 'gold' }))
ofPlace.publish(places, (s) => {
  // @ts-expect-error what is read cannot be changed, nor in a tuple
  s.at[0] = 1
  return s
})

// emit, send, timers, lookups

const customers = lookup(places)
export const emitting = ofTier.timers({ due: place }).onTimer('due', () => undefined)
emitting.on(lines, keyOf, (state, line, turn) => {
  turn.emit(tiers, { tier: line === '' ? 'basic' : 'gold' })
  turn.emit(doors, { kind: 'closed', why: null })
  turn.emit(sizes, 's')
  turn.emit(places, { at: [1, 2], tags: [line], version: 'v1', seen: {}, note: null })
  const customer = turn.lookup(customers, line)
  if (customer) {
    turn.emit(places, customer)
    turn.emit(places, { ...customer, note: line })
    turn.timer('due', '1s', customer)
    const second: number = customer.at[1]
    state.tier = second > 0 ? 'gold' : 'basic'
    // @ts-expect-error a tuple of two
    String(customer.at[2])
  }
  // @ts-expect-error no such member of the enum
  turn.emit(tiers, { tier: 'silver' })
  // @ts-expect-error no such size
  turn.emit(sizes, 'xl')
  // @ts-expect-error another shape
  turn.emit(places, state)
})

/** Emits to a topic that is not known here. */
export function emittingTo<V>(target: Topic<V>, value: V): unknown {
  return ofTier.on(lines, keyOf, (_state, _line, turn) => turn.emit(target, value))
}

export async function sent(): Promise<void> {
  const log = memoryLog()
  await log.send(tiers, [{ tier: 'basic' }, null], { key: (value) => value?.tier ?? null })
  await using driver = testDriver({ objects: [published] })
  await driver.send(doors, { kind: 'open', since: 1 })
  await driver.sendAll(tiers, [{ tier: 'basic' }, { tier: 'gold' }], { key: ({ tier }) => tier })
  const at: number | undefined = driver.state(published, 'k')?.at[1]
  // @ts-expect-error no such member of the enum
  await driver.sendAll(tiers, [{ tier: 'silver' }])
  // @ts-expect-error no such member of the enum
  await driver.send(tiers, { tier: at === 1 ? 'silver' : 'gold' })
}

// windows

const count = z.object({ n: z.number() })
type Count = z.output<typeof count>
const merge = (earlier: Count, later: Count): Count => ({ n: earlier.n + later.n })
const windowed = { state: count, init: () => ({ n: 0 }) }

export const perMinute = stateObject('minute', { ...windowed, window: tumbling('1m') })
  .timers({ due: z.null() })
  .on(lines, keyOf, (state, _line, turn) => {
    state.n = turn.window.end - turn.window.start
  })
  .onTimer('due', (state, _payload, turn) => {
    state.n = turn.window.start
  })
  .onClose((state, turn) => {
    state.n = turn.window.end
    helped(turn)
  })
export const perSession = stateObject('visit', { ...windowed, window: session('1m', { merge }) }).onClose((_s, turn) =>
  turn.emit(lines, String(turn.window.start)),
)
export const inBranches = session('1m', {
  merge: (a: z.output<typeof door>) => ({ kind: 'open', since: Number(a.kind) }),
})
export const unwindowed = stateObject('plain', windowed).on(lines, keyOf, (_state, _line, turn) => {
  const none: undefined = turn.window
  helped(turn)
  // @ts-expect-error no window here
  return none ?? turn.window.start
})

/** Takes the turn of any kind. */
function helped(turn: Turn): number {
  // @ts-expect-error of a kind that may have no window
  void turn.window.start
  return turn.window?.start ?? turn.now
}

// @ts-expect-error the sessions of another state
stateObject('visit', { ...windowed, window: session('1m', { merge: (earlier: { m: number }) => earlier }) })

// @ts-expect-error merge gives another state
session('1m', { merge: (earlier: Count) => ({ m: earlier.n }) })

// streams to topics

const opened = topic('opened', z.object({ kind: z.literal('open'), since: z.number() }))
export const flows = [
  opened.to(doors),
  doors.to(doors),
  doors
    .filter((d): d is z.output<typeof door> & { kind: 'open' } => d.kind === 'open')
    .to(opened, { key: (d) => d.kind }),
  opened.merge(doors).to(doors),
  doors.withTombstones().to(doors),
  places.map((p): DeepReadonly<z.output<typeof place>> => p).to(places),
  sizes.merge(lines).to(lines),
]
// @ts-expect-error what comes may be closed
doors.to(opened)
// @ts-expect-error what comes may be closed
opened.merge(doors).to(opened)
// @ts-expect-error another shape
tiers.to(places)
// @ts-expect-error not every line is a size
lines.to(sizes)

// Avro

const order = z
  .object({
    id: z.string(),
    at: z.date(),
    n: z.int().default(0),
    door,
    sizes: z.array(size),
    sum: z.bigint().nullable(),
  })
  .meta({ id: 'Order' })
export const orders = topic('orders', avro(order, { header: { kind: 'schema-id', id: avroSchema(order) ? 1 : 2 } }))
export const ofOrder = stateObject('order', {
  state: order,
  codec: avro(order),
  init: (id) => ({ id, at: new Date(0), n: 0, door: { kind: 'closed', why: null }, sizes: ['s'], sum: null }),
}).publish(orders, (state) => state)
// @ts-expect-error the codec of another state
stateObject('order', { state: tier, codec: avro(order), init: () => ({ tier: 'gold' }) })

// what is read only

interface Everything {
  readonly when: Date
  readonly call: () => number
  readonly bytes: Uint8Array
  readonly pair: [number, string]
  readonly rest: [string, ...number[]]
  readonly map: Map<string, string[]>
  readonly set: Set<number>
  readonly id: string & z.core.$brand<'Id'>
  readonly any: any
  readonly unknown: unknown
  readonly optional?: number
  readonly record: Record<string, number[]>
}
export function read(e: DeepReadonly<Everything>): unknown {
  // @ts-expect-error no third
  String(e.pair[2])
  // @ts-expect-error read only
  e.pair[0] = 1
  // @ts-expect-error read only
  e.map.set('x', [])
  // @ts-expect-error read only
  e.record['x'] = []
  const first: number = e.pair[0]
  const id: string & z.core.$brand<'Id'> = e.id
  return [first, id, e.when.getTime(), e.call(), e.bytes.length, e.rest[1]?.toFixed(), e.set.has(1), e.any.b.c]
}
