import type { Entry, Table } from '../../state/table.js'
import { TestFinding } from './test-finding.js'

/** Objects that are looked at again when nothing happens, latest first: tests have few, and each look costs all of a state. */
const mostLookedAt = 1_000

interface Known {
  readonly table: Table
  /** As its last turn has left it. */
  readonly left: string
}

/**
 * Looks at states between turns, for tests: whether one was changed when no turn had it, and whether something is reached from
 * two of them. Both give right results until an object is read from the store again, and others from then on. What it throws,
 * `STATE_LEAKED`, stops the app.
 */
export class WatchedStates {
  #known = new Map<Entry, Known>()
  readonly #owners = new WeakMap<object, Entry>()

  /** A turn begins. */
  before(table: Table, entry: Entry): void {
    const known = this.#known.get(entry)
    if (known !== undefined) demandUnchanged(entry, known, table)
    this.#known.delete(entry)
  }

  /** A turn has ended, and its object is as it is kept. */
  after(table: Table, entry: Entry): void {
    this.#known.delete(entry)
    if (entry.state === undefined) return
    const left = encoded(table, entry.state)
    if (left === undefined) return
    this.#claim(entry.state, table, entry)
    this.#known.set(entry, { table, left })
  }

  /** No turn is under way. */
  look(): void {
    let left = mostLookedAt
    for (const [entry, known] of [...this.#known].reverse()) {
      if (left-- <= 0) return
      demandUnchanged(entry, known, known.table)
    }
  }

  /** What was done is taken back. */
  forget(): void {
    this.#known.clear()
  }

  #claim(part: unknown, table: Table, entry: Entry): void {
    // What nobody can change may be shared: rows of lookup tables are frozen.
    if (typeof part !== 'object' || part === null || Object.isFrozen(part)) return
    const owner = this.#owners.get(part)
    if (owner === entry) return
    if (owner !== undefined && owner.state !== undefined && reaches(owner.state, part))
      throw new TestFinding(
        'STATE_LEAKED',
        `${table.kind.name} '${entry.key}' and '${owner.key}' hold the same ${Array.isArray(part) ? 'array' : 'object'}: a change in one is a change in the other, until one is read from the store again. Let init and handlers make a new one, or copy it.`,
        { kind: table.kind.name, key: entry.key },
      )
    this.#owners.set(part, entry)
    for (const inner of Object.values(part)) this.#claim(inner, table, entry)
  }
}

/** The owner may have been left since as it cannot be kept. */
function reaches(state: unknown, part: object): boolean {
  try {
    return contains(state, part)
  } catch {
    return false
  }
}

function contains(state: unknown, part: object): boolean {
  if (state === part) return true
  if (typeof state !== 'object' || state === null) return false
  return Object.values(state).some((inner) => contains(inner, part))
}

function demandUnchanged({ key, state }: Entry, { left }: Known, table: Table): void {
  const now = state === undefined ? left : encoded(table, state)
  if (now === left) return
  throw new TestFinding(
    'STATE_LEAKED',
    `${table.kind.name} '${key}' was changed after its turn had ended, by a callback or a promise that its handler did not await: it was ${left}, and is ${now ?? 'something that cannot be kept'}. Await what changes the state, or change it in a turn of its own.`,
    { kind: table.kind.name, key },
  )
}

/** Undefined for what cannot be kept: whose turn that was is found when the commit is sealed. */
function encoded(table: Table, state: unknown): string | undefined {
  try {
    return table.stored.encode(state)
  } catch {
    return undefined
  }
}
