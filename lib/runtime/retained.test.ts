import { Instance } from '../../test/instances.js'
import { app, flows, Sent, stateOf, words, seen } from '../../test/word-app.js'
import { readAll } from '../../test/reading.js'
import type { JoinOptions, LogPort } from '../log/port.js'
import { partitionOfKey } from '../log/murmur2.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { drained } from './drain.js'

/** A gate that what passes waits at while it is shut. */
class Gate {
  #open = (): void => undefined
  #passage: Promise<void> = Promise.resolve()
  #waiting = 0

  shut(): void {
    this.#passage = new Promise((resolve) => (this.#open = resolve))
  }

  open(): void {
    this.#open()
  }

  async pass(): Promise<void> {
    this.#waiting++
    await this.#passage
    this.#waiting--
  }

  async reached(): Promise<void> {
    await until(() => this.#waiting > 0)
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate)
}

/** A log whose member reaches these gates when a round is called, and when its assignment is handed out. */
function gated(gates: { readonly revoke?: Gate; readonly assign?: Gate }): (log: LogPort) => LogPort {
  const join = (log: LogPort, options: JoinOptions): ReturnType<LogPort['join']> =>
    log.join({
      ...options,
      onRevoke: async () => {
        await gates.revoke?.pass()
        await options.onRevoke()
      },
      onAssign: async (...args) => {
        await gates.assign?.pass()
        await options.onAssign(...args)
      },
    })
  return (log) => ({ ...log, join: (options) => join(log, options) })
}

const lanes = ['p', 'q', 'r', 's', 't', 'u']
const some = lanes.flatMap((lane) => ['a', 'b', 'c', 'd'].map((word) => ({ word, lane, drop: false })))

const partitions = 4
/** Of four, a second member is given the last two. */
const taskThatGoes = 3
const alphabet = Array.from('abcdefghijklmnopqrstuvwxyz').filter(
  (key) => partitionOfKey(key, partitions) === taskThatGoes,
)
const inTheTaskThatGoes = alphabet.map((key) => ({ word: key, lane: key, drop: false }))

describe('a rebalance', () => {
  let log: MemoryLog
  let sent: Sent
  let instances: Instance[]

  beforeEach(() => {
    log = memoryLog({ partitions })
    sent = new Sent(log)
    instances = []
  })

  afterEach(async () => {
    await Promise.all(instances.map(({ engine }) => engine.stop(1_000)))
    await log[Symbol.asyncDispose]()
  })

  const instance = (wrap?: (log: LogPort) => LogPort): Instance => {
    const made = new Instance({ app, log, objects: [words], flows, ...(wrap === undefined ? {} : { wrap }) })
    instances.push(made)
    return made
  }
  const committed = async (): Promise<number> => (await readAll(log, seen)).length
  const isExact = async (): Promise<void> => {
    for (const { engine } of instances) await drained(engine)
    expect(await sent.faults(await stateOf(instances.map(({ engine }) => engine)))).toEqual([])
  }

  it('does not stop tasks while the round waits for a slow member: they go on and commit', async () => {
    const slow = new Gate()
    await sent.send(some)
    const first = instance()
    await first.engine.start()
    await instance(gated({ revoke: slow })).engine.start()
    await drained(first.engine)
    slow.shut()
    const third = instance().engine.start()
    await slow.reached()

    const before = await committed()
    await sent.send(some)
    await until(async () => (await committed()) > before)

    slow.open()
    await third
    await isExact()
    expect(instances.map(({ engine }) => engine.stats.rollbacks)).toEqual([0, 0, 0])
  })

  it('sends a commit again that came between the round and its assignment, when all its tasks stay', async () => {
    const late = new Gate()
    await sent.send(some)
    const first = instance(gated({ assign: late }))
    const second = instance()
    await Promise.all([first.engine.start(), second.engine.start()])
    await drained(first.engine)
    late.shut()
    await second.engine.stop(1_000)
    await late.reached()
    const { commits } = first.engine.stats
    await sent.send(some)
    await until(() => first.engine.health.state === 'rebalancing')
    expect(first.engine.stats.commits).toBe(commits)

    late.open()
    instances = [first]
    await isExact()
    expect(first.engine.stats.rollbacks).toBe(0)
  })

  it('does not make a commit that came between the round and its assignment, when one of its tasks has gone', async () => {
    const late = new Gate()
    const first = instance(gated({ assign: late }))
    await sent.send([])
    await first.engine.start()
    late.shut()
    const second = instance().engine.start()
    await late.reached()
    await sent.send(inTheTaskThatGoes)
    // Its commit was refused and waits for the assignment.
    await until(() => first.engine.health.state === 'rebalancing')
    await second

    late.open()
    await isExact()
    expect(first.engine.parts.tasks.held).not.toContain(taskThatGoes)
    expect(first.engine.stats.rollbacks).toBe(1)
  })

  it('takes back what is not sealed when a task of it goes, and reads it again for those that stay', async () => {
    await sent.send(some)
    const first = new Instance({
      app,
      log,
      objects: [words],
      flows,
      engine: { commitIntervalMs: 3_600_000, commitLingerMs: 3_600_000 },
    })
    instances.push(first)
    await first.engine.start()
    await until(() => first.engine.stats.records >= some.length)
    await instance().engine.start()
    const { rollbacks, records } = first.engine.stats
    expect(rollbacks).toBe(0)
    await until(() => first.engine.stats.records > records)
    await first.engine.stop(1_000)
    instances = instances.slice(1)
    await isExact()
  })
})
