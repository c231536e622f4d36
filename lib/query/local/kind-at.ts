import { MillraceError } from '../../core/errors.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { KindDefinition } from '../../model/kind.js'
import type { Engine } from '../../runtime/engine.js'
import { demandStateKey } from '../../runtime/state-reader.js'
import { StateCodec } from '../../state/state-codec.js'
import { versionOf, valueStart } from '../../state/state-version.js'
import { sessionOf, type Sessions } from '../../turn/windows/sessions.js'
import { hasWindow, parseWindowKey, windowKey } from '../../turn/windows/windows.js'

/** Where an object is: its task, and the key under which the task keeps it, which for sessions is that of all of a key. */
export interface Place {
  readonly key: string
  readonly task: number
  readonly storedKey: string
}

/** A kind of the app that runs: where its objects are, and how they are stored. */
export class KindAt {
  readonly definition: KindDefinition
  /** Among the tables of a task. */
  readonly index: number
  readonly changelog: string
  readonly changelogId: string
  readonly codec: StateCodec
  readonly #stateTasks: number

  /** Throws `DEFINITION_INVALID` for a kind that the app does not have, and what stopped the engine. */
  constructor(engine: Engine, kind: string) {
    const { kinds, changelogs, stateTasks } = engine.parts.topology
    this.index = kinds.findIndex(({ name }) => name === kind)
    const changelog = changelogs[this.index]
    if (changelog === undefined) throw unknownKind(kind, kinds)
    this.definition = kinds[this.index] as KindDefinition
    this.changelog = changelog.topic
    this.changelogId = changelog.info.id
    this.codec = new StateCodec(changelog.kind)
    this.#stateTasks = stateTasks
  }

  get hasSessions(): boolean {
    return this.definition.window?.kind === 'session'
  }

  get tasks(): readonly number[] {
    return Array.from({ length: this.#stateTasks }, (_, task) => task)
  }

  taskOf(key: string): number {
    return partitionOfKey(key, this.#stateTasks)
  }

  /** Of an object by the key that it is stored under. */
  taskOfStored(storedKey: string): number {
    const { window } = this.definition
    const isWindowed = window !== undefined && window.kind !== 'session' && hasWindow(storedKey)
    return this.taskOf(isWindowed ? parseWindowKey(storedKey).key : storedKey)
  }

  /** Throws `OPTIONS_INVALID` for what no object of the kind has for a key. */
  place(key: string): Place {
    const { name, window } = this.definition
    demandStateKey(name, key)
    if (window === undefined) return { key, task: this.taskOf(key), storedKey: key }
    if (!hasWindow(key)) {
      const what = `${name} '${shownKey(key)}': objects of this kind have windows; give <key>|<start>|<end>, in milliseconds since 1970`
      throw new MillraceError('OPTIONS_INVALID', what, { kind: name, key })
    }
    const ofKey = parseWindowKey(key).key
    return { key, task: this.taskOf(ofKey), storedKey: this.hasSessions ? ofKey : key }
  }

  /** The object that is asked for, in what is stored. Throws what decoding throws: it may be of another version. */
  stateIn({ key, storedKey }: Place, stored: string | undefined): unknown {
    if (stored === undefined) return undefined
    const state = this.codec.decode(storedKey, stored)
    return this.hasSessions ? sessionOf(state as Sessions, key) : state
  }

  /** All objects in what is stored under one key: the open sessions of a key are one object in the store, and one each to those who ask. */
  objectsIn(storedKey: string, stored: string): readonly (readonly [key: string, state: unknown])[] {
    const state = this.codec.decode(storedKey, stored)
    if (!this.hasSessions) return [[storedKey, state]]
    return (state as Sessions).map((session) => [windowKey(storedKey, session), session.state])
  }
}

/** Of its schema, as whoever wrote it has stored it. */
export const storedVersion = (stored: string): number => versionOf(stored, valueStart(stored))

/** For messages: keys may be whole documents. */
export const shownKey = (key: string): string => (key.length <= 80 ? key : `${key.slice(0, 80).toWellFormed()}…`)

function unknownKind(kind: unknown, kinds: readonly KindDefinition[]): MillraceError {
  const name = String(kind).slice(0, 80).toWellFormed()
  const known = kinds.map((each) => `'${each.name}'`).join(', ')
  const what = `state object '${name}' is not part of this app, which has ${known === '' ? 'none' : known}`
  return new MillraceError('DEFINITION_INVALID', what, { kind: name })
}
