import { z } from 'zod'
import { Instance, type InstanceOptions } from '../../test/instances.js'
import { readAll } from '../../test/reading.js'
import { systemClock } from '../core/clock.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { drained } from '../runtime/drain.js'
import { CommittedState } from '../runtime/state-reader.js'

const calls = topic('calls', z.object({ id: z.string(), n: z.number() }))
const marks = topic('marks', z.object({ id: z.string(), n: z.number() }))
const answers = topic('answers', z.object({ id: z.string(), n: z.number() }))
const rows = topic('rows', z.object({ seen: z.array(z.number()) }))

const halfChanged = -1
const fails = 13
/** Its turn sets a timer, which is due at once. */
const setsTimer = 1_000_000

/** Handlers that wait until they are let go, one gate for all. */
class Gate {
  open = false
  running = 0
  most = 0
  begun: string[] = []
  readonly signals: AbortSignal[] = []
  #waiting: (() => void)[] = []

  async pass(what: string, signal: AbortSignal): Promise<void> {
    this.begun.push(what)
    this.signals.push(signal)
    this.most = Math.max(this.most, ++this.running)
    if (!this.open) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.running--
  }

  letGo(): void {
    this.open = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function slow(gate: Gate, attempts = 1) {
  return stateObject('slow', { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] }) })
    .timers({ wake: z.number() })
    .on(calls, { key: ({ id }) => id, onError: { attempts, backoff: 1 } }, async (state, { id, n }, turn) => {
      state.seen.push(halfChanged)
      await gate.pass(`${id}${n}`, turn.signal)
      state.seen.pop()
      state.seen.push(n)
      turn.emit(answers, { id, n })
      if (n === setsTimer) turn.timer('wake', 0, n + 1)
    })
    .onTimer('wake', async (state, n, turn) => {
      state.seen.push(halfChanged)
      await gate.pass(`t${n}`, turn.signal)
      state.seen.pop()
      state.seen.push(n)
    })
    .publish(rows, (state) => state)
}

const quick = stateObject('quick', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  marks,
  { key: ({ id }) => id, onError: { attempts: 1, then: 'skip' } },
  (state, { id, n }, turn) => {
    state.count++
    turn.emit(answers, { id: `quick ${id}`, n: state.count })
    if (n === fails) throw new Error('no')
  },
)

const clock = { clock: systemClock }

async function logWith(partitions: number): Promise<MemoryLog> {
  const log = memoryLog({ partitions })
  const names = [calls, marks, answers, rows].map(({ name }) => name)
  await log.admin.create(names.map((name) => ({ name, partitions, replicationFactor: -1, configs: {} })))
  return log
}

const instances: Instance[] = []

function started(options: InstanceOptions): Instance {
  const instance = new Instance(options)
  instances.push(instance)
  return instance
}

async function died(instance: Instance): Promise<void> {
  instances.splice(instances.indexOf(instance), 1)
  await instance.kill()
  await instance.bury()
}

afterEach(async () => {
  await Promise.all(instances.splice(0).map(({ engine }) => engine.stop(100)))
})

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within 20 s: ${what}`)
    await systemClock.sleep(2)
  }
}

const answered = async (log: MemoryLog, id: string): Promise<number[]> =>
  (await readAll(log, answers)).flatMap(({ value }) => (value?.id === id ? [value.n] : []))
const seenBy = async (instance: Instance, kind: ReturnType<typeof slow>, id: string): Promise<unknown> => {
  for await (const [key, state] of new CommittedState(instance.engine, kind).entries()) if (key === id) return state
  return undefined
}
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const send = (log: MemoryLog, id: string, all: readonly number[]): Promise<unknown> =>
  log.send(
    calls,
    all.map((n) => ({ id, n })),
    { key: ({ id: key }) => key },
  )

/** A record of the other kind has its turn, the `count`-th, in a commit: whatever was done before is committed too. */
async function commitBeside(log: MemoryLog, count: number): Promise<void> {
  await log.send(marks, [{ id: 'b', n: 0 }], { key: ({ id }) => id })
  await until('the other is committed', async () => (await answered(log, 'quick b')).length === count)
}

/** A process whose slow kind waits at a gate, which may be open. */
async function running(
  log: MemoryLog,
  isOpen = false,
): Promise<{ gate: Gate; kind: ReturnType<typeof slow>; instance: Instance }> {
  const gate = new Gate()
  if (isOpen) gate.letGo()
  const kind = slow(gate)
  const instance = started({ log, objects: [kind, quick], engine: clock })
  await instance.engine.start()
  return { gate, kind, instance }
}

describe('a turn that takes longer than a commit waits', () => {
  it('holds up nobody: others are committed, and what it has changed so far is seen by nobody', async () => {
    const log = await logWith(1)
    const { gate, kind, instance } = await running(log)
    await send(log, 'a', [0])
    await until('it is under way', () => gate.running === 1)
    for (const count of numbers(1, 6)) await commitBeside(log, count)
    await send(log, 'c', [0])
    await until('another is under way', () => gate.running === 2)
    await commitBeside(log, 6)
    expect(await seenBy(instance, kind, 'a')).toBeUndefined()
    expect(await answered(log, 'a')).toEqual([])
    gate.letGo()
    await drained(instance.engine)
    expect(await seenBy(instance, kind, 'a')).toEqual({ seen: [0] })
    expect(await answered(log, 'a')).toEqual([0])
    for (const { value } of await readAll(log, rows)) expect(value?.seen).not.toContain(halfChanged)
  })

  it('keeps those behind it in order, also through a crash, and each has its turn once', async () => {
    const log = await logWith(1)
    const { gate, instance: first } = await running(log)
    await send(log, 'a', numbers(0, 5))
    await until('it is under way', () => gate.running === 1)
    await commitBeside(log, 1)
    await send(log, 'a', numbers(5, 40))
    await commitBeside(log, 2)
    await died(first)
    const { gate: next, kind: again, instance: second } = await running(log, true)
    await drained(second.engine)
    // What the dead process still does has no effect.
    gate.letGo()
    expect(await seenBy(second, again, 'a')).toEqual({ seen: numbers(0, 40) })
    expect(await answered(log, 'a')).toEqual(numbers(0, 40))
    expect(next.begun).toEqual(numbers(0, 40).map((n) => `a${n}`))
  })

  it('of a timer is run again after a crash, and fires once', async () => {
    const log = await logWith(1)
    const { gate, kind, instance: first } = await running(log)
    await send(log, 'a', [setsTimer])
    await until('it is under way', () => gate.running === 1)
    gate.letGo()
    gate.open = false
    await until('its timer is under way', () => gate.begun.includes(`t${setsTimer + 1}`))
    await commitBeside(log, 1)
    expect(await seenBy(first, kind, 'a')).toEqual({ seen: [setsTimer] })
    await died(first)
    const { gate: next, kind: again, instance: second } = await running(log, true)
    await drained(second.engine)
    expect(await seenBy(second, again, 'a')).toEqual({ seen: [setsTimer, setsTimer + 1] })
    expect(next.begun).toEqual([`t${setsTimer + 1}`])
  })

  it('is cut off when its task goes to another member, which runs it', async () => {
    const log = await logWith(2)
    const { gate, kind, instance: first } = await running(log)
    const ids = numbers(0, 20).map((n) => `k${n}`)
    for (const id of ids) await send(log, id, [0])
    await until('they are under way', () => gate.running === ids.length)
    await commitBeside(log, 1)
    const { gate: next, kind: again, instance: second } = await running(log, true)
    await until('the second has run some', () => next.begun.length > 0)
    await until('they are cut off', () => gate.signals.filter(({ aborted }) => aborted).length === next.begun.length)
    gate.letGo()
    await drained(first.engine)
    await drained(second.engine)
    for (const id of ids) {
      expect(await answered(log, id)).toEqual([0])
      expect((await seenBy(first, kind, id)) ?? (await seenBy(second, again, id))).toEqual({ seen: [0] })
    }
    expect(next.begun.length).toBeLessThan(ids.length)
  })

  it('runs again from the state before it when all since the last commit is done again, also where that is nothing', async () => {
    const log = await logWith(4)
    const { gate, kind, instance } = await running(log)
    const ids = numbers(0, 12).map((n) => `k${n}`)
    for (const id of ids) await send(log, id, [0])
    await until('they are under way', () => gate.running === ids.length)
    await commitBeside(log, 1)
    // The second turn fails when its object has been changed in the same commit.
    const both = [
      { id: 'c', n: 0 },
      { id: 'c', n: fails },
    ]
    await log.send(marks, both, { key: ({ id }) => id })
    await until('all is done again', () => gate.begun.length === 2 * ids.length)
    gate.letGo()
    await drained(instance.engine)
    for (const id of ids) {
      expect(await seenBy(instance, kind, id)).toEqual({ seen: [0] })
      expect(await answered(log, id)).toEqual([0])
    }
    expect(await answered(log, 'quick c')).toEqual([1])
  })

  it('pushes back on its own input alone', async () => {
    const log = await logWith(1)
    const { gate, instance } = await running(log)
    const ids = numbers(0, 2_000).map((n) => `k${n}`)
    await log.send(
      calls,
      ids.map((id) => ({ id, n: 0 })),
      { key: ({ id }) => id },
    )
    await until('as many as may be are under way', () => gate.running === 256)
    for (const count of numbers(1, 4)) await commitBeside(log, count)
    expect(gate.most).toBe(256)
    gate.letGo()
    await drained(instance.engine)
    expect(gate.begun).toHaveLength(2_000)
    expect(gate.most).toBe(256)
  })

  it('with more records behind it than may wait loses none, and gives none up', async () => {
    const log = await logWith(1)
    const { gate, kind, instance } = await running(log)
    await send(log, 'a', [0])
    await until('it is under way', () => gate.running === 1)
    await commitBeside(log, 1)
    await send(log, 'a', numbers(1, 1_500))
    await commitBeside(log, 2)
    gate.letGo()
    await drained(instance.engine)
    expect(await seenBy(instance, kind, 'a')).toMatchObject({ seen: numbers(0, 1_500) })
    expect(instance.engine.stats.deadLetters).toBe(0)
  })
})
