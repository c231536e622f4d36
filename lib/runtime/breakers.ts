import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import { inboxTopic } from '../model/names.js'
import type { Program } from '../model/program.js'
import { sourceNames } from '../model/stream.js'
import type { Breaker } from '../turn/inputs/breaker.js'
import type { TurnSource } from '../turn/kept/turn-source.js'
import type { PausedInput } from './watch/paused-input.js'

export interface BreakersOptions {
  readonly app: string
  readonly program: Program
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>
  readonly clock: Clock
  readonly logger: Logger
  /** One has opened or closed. */
  readonly onChange: () => void
}

interface Guarded {
  readonly source: TurnSource
  readonly breaker: Breaker
  /** Topics that nothing else reads: these are left alone while it pauses. */
  readonly topics: readonly string[]
}

const nothing: ReadonlySet<string> = new Set()

/** The inputs that may pause, and what of what they read need not be read then. */
export class Breakers {
  readonly #clock: Clock
  readonly #all: readonly Guarded[]
  #names = ''
  #topics = nothing

  constructor({ app, program, sources, clock, logger, onChange }: BreakersOptions) {
    this.#clock = clock
    this.#all = [...sources.values()]
      .flatMap((ofKind) => [...ofKind.values()])
      .flatMap((source) => {
        const { breaker } = source
        return breaker === undefined ? [] : [{ source, breaker, topics: ownTopics(app, program, source) }]
      })
    for (const guarded of this.#all)
      guarded.breaker.onChange = () => {
        onChange()
        tell(logger, guarded)
      }
  }

  /** Topics of which nothing is to be read now; the same set as long as that does not change. */
  get topics(): ReadonlySet<string> {
    if (this.#all.length === 0) return nothing
    const now = this.#clock.now()
    const topics = this.#all.flatMap(({ breaker, topics: own }) =>
      breaker.isOpen && !breaker.takesRecords(now) ? own : [],
    )
    const names = topics.join(' ')
    if (names !== this.#names) this.#topics = new Set(topics)
    this.#names = names
    return this.#topics
  }

  /** Whether what is in this topic waits. */
  pause(topic: string): boolean {
    return this.#all.some(({ breaker, topics }) => breaker.isOpen && topics.includes(topic))
  }

  /** Lets a turn that waits be tried, where it is time. */
  probe(): void {
    const now = this.#clock.now()
    for (const { breaker } of this.#all) breaker.probe(now)
  }

  /** Whether one is to be tried now. */
  get areDue(): boolean {
    const now = this.#clock.now()
    return this.#all.some(({ breaker }) => breaker.isDue(now))
  }

  /** When to look again: milliseconds since the epoch. */
  nextLook(now: number): number {
    return Math.min(Infinity, ...this.#all.map(({ breaker }) => breaker.nextLook(now)))
  }

  get paused(): readonly PausedInput[] {
    return this.#all.flatMap(({ source: { id, kind }, breaker: { pause } }) =>
      pause === undefined ? [] : [{ kind: kind.name, input: id, ...pause }],
    )
  }
}

/** Its sources that nobody else reads, and the inbox where the kind has no other input. */
function ownTopics(app: string, { kinds, flows }: Program, { kind, id }: TurnSource): readonly string[] {
  const input = kind.inputs.find((each) => each.id === id)
  if (input === undefined) return []
  const others = kinds.flatMap(({ inputs }) => inputs.filter((each) => each !== input).map(({ from }) => from))
  const read = new Set([...others, ...flows.map(({ from }) => from)].flatMap(sourceNames))
  const sources = sourceNames(input.from).filter((topic) => !read.has(topic))
  return [...new Set(sources), ...(kind.inputs.length === 1 ? [inboxTopic(app, kind.name)] : [])]
}

function tell(logger: Logger, { source: { id, kind }, breaker: { isOpen, pause } }: Guarded): void {
  const input = `input ${id} of state object '${kind.name}'`
  const facts = { kind: kind.name, input: id }
  if (!isOpen) return logger.info(facts, `${input} goes on: a turn has succeeded`)
  const what = `${pause?.objects} objects failed one after the other, the last with: ${pause?.reason}`
  logger.warn(facts, `${input} pauses, its records stay where they are, until a turn succeeds: ${what}`)
}
