import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaLog, type Log } from 'millrace'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { Feed } from './feed.js'
import { MemberProcess } from './member-process.js'
import { Observer } from './observer.js'
import { keyName, partitions, topicsOf } from './program.js'
import { pause, until } from './wall-clock.js'

/** How the instances of one app are set up. */
export interface Setup {
  readonly name: string
  readonly keysPerTask: number
  /** All instances on this machine keep their state under one directory, so that a newcomer finds that of one that is gone. */
  readonly sharedDir?: boolean
  readonly standbys?: number
  readonly staticMembers?: boolean
}

export interface Conditions {
  readonly brokers: string
  readonly rate: number
  readonly commitIntervalMs: number
  readonly sessionTimeoutMs: number
}

const settleMs = 60_000
/** From records being taken by the broker to the middle of the commit they cause: it begins 10 ms after the input has run dry. */
const amidCommitMs = 20

/** One app: its topics, steady input, instances, and who watches its output. */
export class World {
  readonly app: string
  readonly setup: Setup
  readonly conditions: Conditions
  readonly observer: Observer
  readonly admin: Admin
  /** All that were ever started. */
  readonly started: MemberProcess[] = []
  readonly members = new Set<MemberProcess>()
  readonly #log: Log
  readonly #feed: Feed
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))

  private constructor(app: string, setup: Setup, conditions: Conditions) {
    const brokers = conditions.brokers.split(',')
    const kafka = new Kafka({ clientId: 'millrace-bench', brokers, logLevel: logLevel.ERROR })
    const topics = topicsOf(app)
    this.app = app
    this.setup = setup
    this.conditions = conditions
    this.admin = kafka.admin()
    this.#log = kafkaLog({ brokers })
    this.observer = new Observer(this.#log, app, topics)
    this.#feed = new Feed(kafka, topics.input.name, setup.keysPerTask * partitions)
  }

  /** With `count` instances running, every key known to its task, and input coming. */
  static async open(app: string, setup: Setup, conditions: Conditions, count: number): Promise<World> {
    const world = new World(app, setup, conditions)
    try {
      await world.admin.connect()
      await world.observer.start()
      for (let i = 0; i < count; i++) world.join()
      await until('all instances run', settleMs, () => world.#all(({ ready }) => ready !== undefined))
      await world.#feed.fill()
      world.#feed.start(conditions.rate)
      await world.settled()
      return world
    } catch (error) {
      await world.close()
      throw error
    }
  }

  /** Starts another instance: in a directory of its own, or where `replaced` was. */
  join(replaced?: MemberProcess): MemberProcess {
    const { conditions, setup } = this
    const name = `${setup.name}${this.started.length + 1}`
    const member = new MemberProcess({
      ...conditions,
      app: this.app,
      name,
      dataDir: join(this.#directory, setup.sharedDir === true ? 'shared' : name),
      ...(setup.standbys === undefined ? {} : { standbys: setup.standbys }),
      ...(setup.staticMembers === true ? { instanceId: name } : {}),
      ...(replaced === undefined
        ? {}
        : { dataDir: replaced.options.dataDir, instanceId: replaced.options.instanceId ?? name }),
    })
    this.started.push(member)
    this.members.add(member)
    return member
  }

  /** Of the running instances, the last to have been started. */
  get latest(): MemberProcess {
    return [...this.members].at(-1)!
  }

  tasksOf(member: MemberProcess): readonly number[] {
    return this.observer.owners.flatMap((_, task) => (this.observer.ownerOf(task) === member.name ? [task] : []))
  }

  /** Resolves when the output of all tasks comes from the instances that run, as many from each. */
  async settled(): Promise<void> {
    const least = Math.floor(partitions / this.members.size)
    const most = Math.ceil(partitions / this.members.size)
    await until('every instance has its share', settleMs, () => {
      for (const member of this.members) {
        if (member.end !== undefined) throw new Error(`${member.name} ended with ${member.end}:\n${member.complaints}`)
      }
      return this.#all((member) => {
        const { length } = this.tasksOf(member)
        return length >= least && length <= most
      })
    })
  }

  /** Resolves at a moment at which instances are likely to have a transaction open. */
  async amidCommit(): Promise<void> {
    await this.#feed.nextSent()
    await pause(amidCommitMs)
  }

  /** All that has been sent by now becomes visible, each update once and in order. */
  async verify(): Promise<void> {
    await this.#seen(
      (index) => this.#feed.expected(index),
      (count, expected) => count >= expected,
    )
  }

  async #seen(expected: (index: number) => number, test: (count: number, expected: number) => boolean): Promise<void> {
    const keys = this.setup.keysPerTask * partitions
    const due = Array.from({ length: keys }, (_, index) => expected(index))
    const missing = (): number => due.findIndex((count, index) => !test(this.observer.countOf(keyName(index)), count))
    const deadline = performance.now() + settleMs
    for (let index = missing(); index >= 0; index = missing()) {
      if (performance.now() > deadline) {
        const key = keyName(index)
        throw new Error(`${this.app}: ${due[index]} updates of ${key} were due, ${this.observer.countOf(key)} seen`)
      }
      await pause(200)
    }
    if (this.observer.violation !== undefined) throw new Error(`${this.app}: ${this.observer.violation}`)
  }

  /** Ends the input; every record must have had its update, and only one. */
  async finish(): Promise<void> {
    await this.#feed.stop()
    await this.#seen(
      (index) => this.#feed.expected(index),
      (count, expected) => count === expected,
    )
  }

  async close(): Promise<void> {
    await this.#feed.stop().catch(() => undefined)
    await Promise.all(this.started.map((member) => member.kill()))
    await this.observer.close()
    await this.#deleteTopics().catch(() => undefined)
    await this.admin.disconnect()
    await this.#log[Symbol.asyncDispose]()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** A broker slows down with the partitions it has, and later runs would pay for earlier ones. */
  async #deleteTopics(): Promise<void> {
    const topics = (await this.admin.listTopics()).filter((name) => name.startsWith(`${this.app}-`))
    await this.admin.deleteTopics({ topics })
  }

  #all(test: (member: MemberProcess) => boolean): boolean {
    return [...this.members].every(test)
  }
}
