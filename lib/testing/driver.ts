import type { QueriesOf, StateOf } from '../app/app.js'
import { replayDeadLetters, type ReplayReport } from '../app/replay.js'
import { idleClock } from '../core/clock.js'
import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { checkOptions, shown } from '../core/options.js'
import { partitionOfKey } from '../log/murmur2.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { deadLetterTopic } from '../model/names.js'
import { demandForeignTopics, program, type Program } from '../model/program.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Topic } from '../model/stream.js'
import type { Stats } from '../runtime/setup/engine-options.js'
import { kindName, quarantined, release, type QuarantinedObject } from '../runtime/quarantine.js'
import { CommittedState, type EntriesOptions } from '../runtime/state-reader.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import type { StoreFolder } from '../store/store.js'
import { sessionOf, type Sessions } from '../turn/windows/sessions.js'
import { parseWindowKey } from '../turn/windows/windows.js'
import { Calls } from './calls.js'
import { deadLetterIn, type DeadLetter } from './dead-letters.js'
import { crashSteps, type CrashStep } from './life.js'
import {
  callOptions,
  driverOptions,
  sendAllOptions,
  sendOptions,
  timeOf,
  type CallOptions,
  type SendAllOptions,
  type SendOptions,
  type TestDriverOptions,
} from './options.js'
import { app, defaultPartitions, newProcess, type Process } from './process.js'
import { nextDue, settled } from './settled.js'
import type { EmittedRecord, OutputRecord, TestDriver } from './test-driver.js'
import { TopicTail } from './topic-tail.js'
import { Troubles } from './troubles.js'

export type { TestDriver, TestDriverOptions }

/** Whoever has settled has nothing left to finish. */
const closeMs = 1_000

/** Throws `OPTIONS_INVALID` and `DEFINITION_INVALID`. Everything is in memory; nothing runs before the first call. */
export function testDriver(options: TestDriverOptions): TestDriver {
  return new Driver(options)
}

/** With its log, for tests of what no typed topic can send. */
export class Driver implements TestDriver {
  readonly log: MemoryLog
  readonly #options: TestDriverOptions
  readonly #program: Program
  readonly #tail: TopicTail
  readonly #troubles = new Troubles()
  readonly #calls: Calls
  #folder: StoreFolder = memoryFolder()
  #nextFolder: StoreFolder | undefined
  #now: number
  #running: Process | undefined
  /** The latest that was started, or is starting: it is to be closed, whatever has become of it. */
  #starting: Process | undefined
  #starts = 0
  crashes = 0

  constructor(options: TestDriverOptions) {
    checkOptions('testDriver', options, driverOptions)
    this.#options = options
    this.#program = program(options.objects ?? [], options.flows ?? [], options.lookups)
    demandForeignTopics(app, this.#program)
    this.#now = timeOf(options.now) ?? Date.UTC(2026, 0, 1)
    // A broker goes by its clock when it looks at timestamps, and here that is the one that is moved by hand.
    const clock = { ...idleClock, now: () => this.#now }
    this.log = memoryLog({ partitions: options.partitions ?? defaultPartitions, clock })
    this.#tail = new TopicTail(this.log)
    this.#calls = new Calls(
      options.patience ?? '4s',
      () => this.#progress(),
      () => this.#doing(),
    )
  }

  send<V>(target: Topic<V>, value: NoInfer<V> | null, options: SendOptions = {}): Promise<void> {
    const call = `send to ${target.name}`
    checkOptions(call, options, sendOptions)
    const act = async (): Promise<void> => {
      const { key = null, timestamp = this.#now } = options
      await this.log.send<V>(target, [value], { key: () => key, timestamp: () => timestamp })
    }
    return this.#call(call, options, act)
  }

  sendAll<V>(target: Topic<V>, values: Iterable<NoInfer<V>>, options: SendAllOptions<V> = {}): Promise<void> {
    const call = `sendAll to ${target.name}`
    checkOptions(call, options, sendAllOptions)
    const { key = () => null } = options
    const act = (): Promise<void> => this.log.send<V>(target, values, { key, timestamp: () => this.#now })
    return this.#call(call, options, act)
  }

  advance(by: Duration, options: CallOptions = {}): Promise<void> {
    const ms = durationMs(by, 'advance')
    checkOptions('advance', options, callOptions)
    return this.#call('advance', options, () => this.#advanceTo(this.#now + ms))
  }

  crash(at?: CrashStep, options: CallOptions = {}): Promise<void> {
    checkOptions('crash', options, callOptions)
    const act = async (): Promise<void> => {
      this.#troubles.forget()
      const { life } = this.#running ?? (await this.#start())
      if (at !== undefined) return life.arm(demandStep(at))
      await life.die()
      await this.#settle('crash', options)
    }
    return this.#calls.run('crash', act)
  }

  replayDeadLetters(options: CallOptions = {}): Promise<ReplayReport> {
    checkOptions('replayDeadLetters', options, callOptions)
    const act = (): Promise<ReplayReport> => replayDeadLetters({ id: app, log: this.log })
    return this.#call('replayDeadLetters', options, act)
  }

  loseDisk(): void {
    this.#nextFolder = memoryFolder()
  }

  state<O extends AnyStateObject>(kind: O, key: string): StateOf<O> | undefined {
    if (this.#running === undefined) return undefined
    const { tasks, topology } = this.#running.engine.parts
    const index = topology.kinds.indexOf(kind.definition)
    if (index < 0)
      throw new MillraceError('DEFINITION_INVALID', `state object '${kind.name}' was not given to this driver`, {
        kind: kind.name,
      })
    const { window } = kind.definition
    const ofKey = window === undefined ? key : parseWindowKey(key).key
    const table = tasks.running.get(partitionOfKey(ofKey, topology.stateTasks))?.state?.tables[index]
    const stored = window?.kind === 'session' ? ofKey : key
    const live = table?.cached(stored)?.state
    // A copy as another process would read it.
    const state =
      live === undefined ? table?.committedState(stored) : table?.stored.decode(stored, table.stored.encode(live))
    const object = window?.kind === 'session' ? sessionOf(state as Sessions | undefined, key) : state
    return object as StateOf<O> | undefined
  }

  entries<O extends AnyStateObject>(
    kind: O,
    options?: EntriesOptions,
  ): Promise<readonly (readonly [string, StateOf<O>])[]> {
    const act = async (): Promise<[string, StateOf<O>][]> => {
      const { engine } = this.#running ?? (await this.#start())
      const entries: [string, StateOf<O>][] = []
      for await (const [key, state] of new CommittedState(engine, kind).entries(options))
        entries.push([key, state as StateOf<O>])
      return entries
    }
    return this.#calls.run('entries', act)
  }

  ask<O extends AnyStateObject, K extends keyof QueriesOf<O> & string>(
    kind: O,
    key: string,
    query: K,
    ...args: Parameters<QueriesOf<O>[K]>
  ): Promise<Awaited<ReturnType<QueriesOf<O>[K]>> | undefined> {
    const act = async (): Promise<never> => {
      const { engine } = this.#running ?? (await this.#start())
      return (await new CommittedState(engine, kind).ask(key, query, ...args)) as never
    }
    return this.#calls.run('ask', act)
  }

  output<V>(target: Topic<V>): readonly OutputRecord<V>[] {
    const { codec, keys } = target
    return this.#tail.of(target.name).map(({ key, value, timestamp, headers }) => ({
      get key() {
        return key === null ? null : keys.text(key, 0, key.length)
      },
      // Copies: a test may do to them what it likes.
      value: value === null ? null : codec.decode(Uint8Array.from(value)),
      timestamp,
      headers: new Map([...headers].map(([name, each]) => [name, each && Uint8Array.from(each)])),
    }))
  }

  emitted<V>(target: Topic<V>): readonly EmittedRecord<V>[] {
    return this.output(target).map(({ key, value }) => ({ key, value }))
  }

  deadLetters<V = unknown>(source?: Topic<V>): readonly DeadLetter<V>[] {
    const { sources } = this.#program
    const letters = this.#tail
      .of(deadLetterTopic(app))
      .map((record) => deadLetterIn(record, (name) => sources.find((node) => node.name === name)))
    return letters.filter(
      (letter) => letter !== undefined && (source === undefined || letter.topic === source.name),
    ) as DeadLetter<V>[]
  }

  quarantined(): Promise<readonly QuarantinedObject[]> {
    const act = async (): Promise<QuarantinedObject[]> => {
      const { engine } = this.#running ?? (await this.#start())
      const objects: QuarantinedObject[] = []
      for await (const object of quarantined(engine)) objects.push(object)
      return objects
    }
    return this.#calls.run('quarantined', act)
  }

  release(kind: AnyStateObject | string, key: string, options: CallOptions = {}): Promise<boolean> {
    checkOptions('release', options, callOptions)
    const name = kindName(kind)
    const act = async (): Promise<boolean> => {
      let { engine, life } = await this.#settled()
      for (;;) {
        const lifted = await Promise.race([release(engine, name, key), life.death.then(() => undefined)])
        if (lifted !== undefined) return lifted
        ;({ engine, life } = await this.#settled())
      }
    }
    return this.#call('release', options, act)
  }

  stats(): Stats {
    if (this.#running === undefined)
      throw new MillraceError('APP_CLOSED', 'the driver has not been used yet, so nothing was counted')
    return this.#running.engine.stats
  }

  async close(): Promise<void> {
    await this.#calls.close()
    this.#starting?.life.arm(undefined)
    await this.#starting?.engine.stop(closeMs)
    await this.log[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Does something while the app runs, and waits for all that follows from it. */
  #call<T>(call: string, options: CallOptions, act: () => Promise<T>): Promise<T> {
    const acted = async (): Promise<T> => {
      this.#troubles.forget()
      if (this.#running === undefined) await this.#start()
      const result = await act()
      await this.#settle(call, options)
      return result
    }
    return this.#calls.run(call, acted)
  }

  async #advanceTo(end: number): Promise<void> {
    for (;;) {
      const { engine } = await this.#settled()
      const next = await nextDue(engine, this.#now, end)
      this.#now = next ?? end
      engine.poke()
      if (next === undefined) return
    }
  }

  async #settle(call: string, { failures = this.#options.failures }: CallOptions): Promise<void> {
    await this.#settled()
    await this.#tail.readOn()
    if (failures !== 'expect') this.#troubles.demandNone(call)
  }

  /** When everything is committed and stored, through as many deaths as it takes: the process that lives then. */
  async #settled(): Promise<Process> {
    for (;;) {
      const process = this.#running ?? (await this.#start())
      const { engine, life } = process
      const survived = await Promise.race([settled(engine).then(() => true), life.death.then(() => false)])
      if (survived) return process
      this.crashes++
      this.#running = undefined
    }
  }

  async #start(): Promise<Process> {
    // The stores of the dead are closed for it: a memory store has no lock that dies with its owner.
    await this.#folder.close()
    this.#folder = this.#nextFolder ?? this.#folder
    this.#nextFolder = undefined
    const process = await newProcess({
      driver: this.#options,
      program: this.#program,
      log: this.log,
      folder: this.#folder,
      now: () => this.#now,
      startId: String(++this.#starts),
      onTrouble: this.#troubles.hear,
    })
    this.#starting = process
    try {
      await process.engine.start()
    } catch (error) {
      await process.engine.stop(closeMs)
      throw error
    }
    this.#running = process
    return process
  }

  #progress(): number {
    if (this.#running === undefined) return this.#starts
    const { commits, restoredRecords, lookupRecords } = this.#running.engine.stats
    return this.#starts + commits + restoredRecords + lookupRecords
  }

  /** What a call that is stuck waits for. */
  #doing(): string {
    const { engine } = this.#running ?? {}
    if (engine === undefined) return 'The app has not started.'
    const { state, reason } = engine.health
    const { idle } = engine.parts.passage.turns.flights
    const why = reason === undefined ? '' : `: ${reason}`
    const turns = idle ? '' : ' An asynchronous turn is under way: does its promise ever settle?'
    return `The app is ${state}${why}.${turns}`
  }
}

function demandStep(step: CrashStep): CrashStep {
  if (crashSteps.includes(step)) return step
  const what = `crash: ${shown(step)} is no step of a commit; give one of ${crashSteps.join(', ')}, or nothing to crash now`
  throw new MillraceError('OPTIONS_INVALID', what)
}
