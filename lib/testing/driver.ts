import type { QueriesOf, StateOf } from '../app/app.js'
import { replayDeadLetters, type ReplayReport, type ReplaySelection } from '../app/replay.js'
import { checkSelection, selection } from '../app/replaying/selection.js'
import { idleClock } from '../core/clock.js'
import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import { checkOptions, shown } from '../core/options.js'
import type { Headers } from '../core/record.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { demandForeignTopics, program, type Program } from '../model/program.js'
import type { AnyStateObject } from '../model/state-object.js'
import { topicNode, type Topic } from '../model/stream.js'
import type { Stats } from '../runtime/setup/engine-options.js'
import { kindName, quarantined, release, type QuarantinedObject } from '../runtime/quarantine.js'
import { CommittedState, type EntriesOptions } from '../runtime/state-reader.js'
import { awake, Calls } from './calls.js'
import type { DeadLetter } from './dead-letters.js'
import { crashSteps, type CrashStep } from './life.js'
import { Lives } from './lives.js'
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
import { app, defaultPartitions } from './process.js'
import { deadLettersIn, outputOf, stateOf } from './reads.js'
import { Stops } from './stops.js'
import type { EmittedRecord, OutputRecord, TestDriver } from './test-driver.js'
import { TopicTail } from './topic-tail.js'
import { Troubles } from './troubles.js'

export type { TestDriver, TestDriverOptions }

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
  readonly #lives: Lives
  #now: number

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
    this.#lives = new Lives({
      driver: options,
      program: this.#program,
      log: this.log,
      now: () => this.#now,
      onTrouble: this.#troubles.hear,
    })
    this.#calls = new Calls(
      options.patience ?? '4s',
      () => this.#lives.progress,
      () => this.#lives.doing,
    )
  }

  get crashes(): number {
    return this.#lives.crashes
  }

  send<V>(target: Topic<V>, value: NoInfer<V> | null, options: SendOptions = {}): Promise<void> {
    topicNode(target)
    const call = `send to ${target.name}`
    checkOptions(call, options, sendOptions)
    const act = async (): Promise<void> => {
      const { key = null, timestamp = this.#now, headers = {} } = options
      await this.log.send<V>(target, [value], {
        key: () => key,
        timestamp: () => timestamp,
        // A log takes both, and checks them.
        headers: () => headers as unknown as Headers,
      })
    }
    return this.#call(call, options, act)
  }

  sendAll<V>(target: Topic<V>, values: Iterable<NoInfer<V>>, options: SendAllOptions<V> = {}): Promise<void> {
    topicNode(target)
    const call = `sendAll to ${target.name}`
    checkOptions(call, options, sendAllOptions)
    const { key = () => null } = options
    const act = async (): Promise<void> => {
      await this.log.send<V>(target, values, { key, timestamp: () => this.#now })
    }
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
      const { life } = await this.#lives.running()
      if (at !== undefined) return life.arm(demandStep(at))
      await life.die()
      await this.#settle('crash', options)
    }
    return this.#calls.run('crash', act)
  }

  replayDeadLetters(options: CallOptions & ReplaySelection = {}): Promise<ReplayReport> {
    checkOptions('replayDeadLetters', options, { ...callOptions, ...selection })
    const { failures: _failures, ...wanted } = options
    checkSelection('replayDeadLetters', wanted)
    const { logger = silentLogger } = this.#options
    const act = (): Promise<ReplayReport> => replayDeadLetters({ id: app, log: this.log, logger, ...wanted })
    return this.#call('replayDeadLetters', options, act)
  }

  loseDisk(): void {
    this.#lives.loseDisk()
  }

  state<O extends AnyStateObject>(kind: O, key: string): StateOf<O> | undefined {
    const { engine } = this.#lives
    return engine === undefined ? undefined : (stateOf(engine, kind, key) as StateOf<O> | undefined)
  }

  entries<O extends AnyStateObject>(
    kind: O,
    options?: EntriesOptions,
  ): Promise<readonly (readonly [string, StateOf<O>])[]> {
    const act = async (): Promise<[string, StateOf<O>][]> => {
      const { engine } = await this.#lives.settled()
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
      const { engine } = await this.#lives.settled()
      return (await new CommittedState(engine, kind).ask(key, query, ...args)) as never
    }
    return this.#calls.run('ask', act)
  }

  output<V>(target: Topic<V>): readonly OutputRecord<V>[] {
    topicNode(target)
    return outputOf(this.#tail, target)
  }

  emitted<V>(target: Topic<V>): readonly EmittedRecord<V>[] {
    return this.output(target).map(({ key, value }) => ({ key, value }))
  }

  deadLetters<V = unknown>(source?: Topic<V>): readonly DeadLetter<V>[] {
    if (source !== undefined) topicNode(source)
    return deadLettersIn(this.#tail, this.#program, source?.name) as readonly DeadLetter<V>[]
  }

  quarantined(): Promise<readonly QuarantinedObject[]> {
    const act = async (): Promise<QuarantinedObject[]> => {
      const { engine } = await this.#lives.settled()
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
      let { engine, life } = await this.#lives.settled()
      for (;;) {
        const lifted = await Promise.race([release(engine, name, key), life.death.then(() => undefined)])
        if (lifted !== undefined) return lifted
        ;({ engine, life } = await this.#lives.settled())
      }
    }
    return this.#call('release', options, act)
  }

  stats(): Stats {
    const { engine } = this.#lives
    if (engine !== undefined) return engine.stats
    throw new MillraceError('APP_CLOSED', 'the driver has not been used yet, so nothing was counted')
  }

  async close(): Promise<void> {
    await this.#calls.close()
    await awake(this.#lives.close())
    await this.log[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Does something while the app runs, and waits for all that follows from it. */
  #call<T>(call: string, options: CallOptions, act: () => Promise<T>): Promise<T> {
    const acted = async (): Promise<T> => {
      this.#troubles.forget()
      await this.#lives.running()
      const result = await act()
      await this.#settle(call, options)
      return result
    }
    return this.#calls.run(call, acted)
  }

  async #advanceTo(end: number): Promise<void> {
    const stops = new Stops()
    for (;;) {
      const { engine } = await this.#lives.settled()
      const next = await stops.next(engine, this.#now, end)
      this.#now = next ?? end
      engine.poke()
      if (next === undefined) return
    }
  }

  async #settle(call: string, { failures = this.#options.failures }: CallOptions): Promise<void> {
    await this.#lives.settled()
    await this.#tail.readOn()
    if (failures !== 'expect') this.#troubles.demandNone(call)
  }
}

function demandStep(step: CrashStep): CrashStep {
  if (crashSteps.includes(step)) return step
  const what = `crash: ${shown(step)} is no step of a commit; give one of ${crashSteps.join(', ')}, or nothing to crash now`
  throw new MillraceError('OPTIONS_INVALID', what)
}
