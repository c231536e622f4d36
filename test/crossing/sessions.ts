import { gapMs, type Batch, type Done } from './program.js'

interface Session {
  readonly start: number
  readonly end: number
  readonly ids: readonly number[]
  readonly turns: number
  /** Of each timer the record that has set it. */
  readonly timers: ReadonlyMap<string, number>
}

/** The open sessions of a key, by what its turns say, in order. */
export class Sessions {
  #open: readonly Session[] = []
  readonly #mayBeApart: boolean

  /** `mayBeApart`: one that is over is left alone by records that come after it in time, and nobody can tell when. */
  constructor(mayBeApart: boolean) {
    this.#mayBeApart = mayBeApart
  }

  get open(): readonly Session[] {
    return this.#open
  }

  /** Undefined, or what is wrong with it. */
  came({ n, place }: Done, at: number, { timer }: Batch['items'][number]): string | undefined {
    const [inReach] = parted(this.#open, ({ start, end }) => at < end && start < at + gapMs)
    const met = this.#mayBeApart ? (subsets(inReach).find((some) => turnsOf(some) + 1 === place) ?? inReach) : inReach
    const others = this.#open.filter((one) => !met.includes(one))
    const timers = new Map(met.flatMap((each) => [...each.timers]))
    if (timer !== undefined) {
      if (timer.inMs === undefined) timers.delete(timer.id ?? '')
      else timers.set(timer.id ?? '', n)
    }
    const turns = turnsOf(met) + 1
    const joined: Session = {
      start: Math.min(at, ...met.map(({ start }) => start)),
      end: Math.max(at + gapMs, ...met.map(({ end }) => end)),
      ids: [...met.flatMap(({ ids }) => ids), n],
      turns,
      timers,
    }
    this.#open = [...others, joined].sort((a, b) => a.start - b.start)
    return place === turns ? undefined : `${n} had turn ${place}, and not ${turns}, of its session`
  }

  fired({ n, id = '', place }: Done): string | undefined {
    const [of, others] = parted(this.#open, ({ timers }) => timers.get(id) === n)
    const [session] = of
    if (session === undefined) return `the timer of ${n} fired, which no open session has set`
    const turns = session.turns + 1
    const timers = new Map([...session.timers].filter(([each]) => each !== id))
    this.#open = [...others, { ...session, turns, timers }].sort((a, b) => a.start - b.start)
    return place === turns ? undefined : `the timer of ${n} had turn ${place}, and not ${turns}, of its session`
  }

  closed({ n, ids = [] }: Done): string | undefined {
    const begun = this.#open.filter(({ start }) => start === n)
    const session = begun.find((one) => one.ids.join() === ids.join()) ?? begun[0]
    if (session === undefined) return `a session of ${n} was closed that was not open`
    this.#open = this.#open.filter((one) => one !== session)
    return session.ids.join() === ids.join() ? undefined : `closed with ${ids.join()} and not ${session.ids.join()}`
  }
}

function parted<T>(
  all: readonly T[],
  fits: (one: T) => boolean,
): readonly [fitting: readonly T[], others: readonly T[]] {
  return [all.filter(fits), all.filter((one) => !fits(one))]
}

const turnsOf = (sessions: readonly Session[]): number => sessions.reduce((sum, { turns }) => sum + turns, 0)

/** The largest first. */
function subsets<T>([first, ...others]: readonly T[]): readonly (readonly T[])[] {
  if (first === undefined) return [[]]
  const without = subsets(others)
  return [...without.map((some) => [first, ...some]), ...without].sort((a, b) => b.length - a.length)
}
