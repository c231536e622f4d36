import { MillraceError } from '../core/errors.js'
import { shown } from '../core/options.js'
import { partitionOfKey } from '../log/murmur2.js'
import type { AnyStateObject } from '../model/state-object.js'
import { lettersOf, objectOf, rowKind, type Quarantine, type Row } from '../turn/kept/row.js'
import { hasFixedWindows, parseWindowKey } from '../turn/windows/windows.js'
import { nextCommits } from './drain.js'
import type { Engine } from './engine.js'
import type { Parts } from './parts.js'

/** An object whose records become dead letters, since one of them is. */
export interface QuarantinedObject {
  /** Name of its kind. */
  readonly kind: string
  /** Of a windowed kind `<key>|<start>|<end>`; of a session window the key alone. */
  readonly key: string
  /** When it began: milliseconds since 1970. */
  readonly since: number
  /** Of the error that it began with. */
  readonly code: string
  /** Dead letters of it since then that have not been replayed. */
  readonly letters: number
}

/** As last committed, of the tasks that run here, one by one: there may be many. Throws what stopped the engine, or `APP_CLOSED`. */
export function quarantined(engine: Engine): AsyncIterable<QuarantinedObject> {
  return inTasks(engine, engine.parts)
}

async function* inTasks(engine: Engine, { tasks }: Parts): AsyncIterable<QuarantinedObject> {
  // A copy: tasks may come and go while a caller takes its time.
  for (const task of Array.from(tasks.running.keys())) {
    const state = engine.parts.tasks.running.get(task)?.state
    if (state === undefined) continue
    await state.flush()
    // Objects that are held are listed in the store before all times.
    for await (const { kind, key } of state.due('processing', 0, 1)) {
      const object = kind === rowKind ? objectOf(key) : undefined
      const row = (state.tables.at(-1)?.committedState(key) ?? {}) as Row
      const { quarantine } = row
      if (object === undefined || quarantine === undefined) continue
      const { since, code } = quarantine
      yield { ...object, since, code, letters: lettersOf(row) }
    }
  }
}

/**
 * Lifts the quarantine of an object; resolves when that is committed, to false when it was in none. Rejects with `KEY_ELSEWHERE`
 * when another process runs its task, also when it was moved there meanwhile: then it may have been lifted or not.
 */
export async function release(engine: Engine, kind: string, key: string): Promise<boolean> {
  const lifting = new Lifting(engine, kind, key)
  const nextCommit = nextCommits(engine)
  for (;;) {
    let ended: boolean | undefined
    await engine.between(() => (ended = lifting.step()))
    // Throws what stopped the engine, and left the step undone.
    void engine.parts
    if (ended !== undefined) return ended
    await nextCommit()
  }
}

/** What was done may be taken back before it is committed: so it is looked at until that has happened. */
class Lifting {
  readonly #engine: Engine
  readonly #kind: string
  readonly #key: string
  readonly #task: number
  /** The commit that carries it. */
  #seq: number | undefined
  /** Number of the last letter of the one that was lifted. */
  #lifted: number | undefined

  constructor(engine: Engine, kind: string, key: string) {
    const { topology } = engine.parts
    const definition = topology.kinds.find(({ name }) => name === kind)
    if (definition === undefined)
      throw new MillraceError('DEFINITION_INVALID', `state object '${kind}' is not part of this app`, { kind })
    if (typeof key !== 'string')
      throw new MillraceError('OPTIONS_INVALID', `release: the key is ${shown(key)}; give the key of an object`)
    this.#engine = engine
    this.#kind = kind
    this.#key = key
    this.#task = partitionOfKey(hasFixedWindows(definition) ? parseWindowKey(key).key : key, topology.stateTasks)
  }

  /** Whether there was one that is lifted now, for good; undefined when that is not known yet. Run it between slices. */
  step(): boolean | undefined {
    const { tasks, passage, cycle } = this.#engine.parts
    const agenda = tasks.running.get(this.#task)?.agenda
    if (agenda === undefined) throw this.#elsewhere()
    const { quarantine, letters } = (agenda.row(this.#kind, this.#key).state ?? {}) as Row
    if (quarantine !== undefined && !this.#isLater(quarantine)) {
      this.#lifted = letters?.last ?? 0
      passage.failures.release(agenda, this.#kind, this.#key)
      this.#seq = passage.seq
      cycle.worked(1)
      return undefined
    }
    if (this.#seq === undefined) return false
    return cycle.committedSeq >= this.#seq ? true : undefined
  }

  /** One that has begun since. */
  #isLater({ after = 0 }: Quarantine): boolean {
    return this.#lifted !== undefined && after >= this.#lifted
  }

  #elsewhere(): MillraceError {
    const what = `${this.#kind} '${this.#key}' is in task ${this.#task}, which another process runs, or which is being restored`
    const facts = { kind: this.#kind, key: this.#key, partition: this.#task }
    return new MillraceError('KEY_ELSEWHERE', `${what}: lift its quarantine there`, facts)
  }
}

/** Whoever has a list of objects has the names of their kinds. */
export function kindName(kind: AnyStateObject | string): string {
  if (typeof kind === 'string') return kind
  if (typeof kind === 'object' && kind !== null && typeof kind.name === 'string') return kind.name
  throw new MillraceError('OPTIONS_INVALID', `release: the kind is ${shown(kind)}; give a state object, or its name`)
}
