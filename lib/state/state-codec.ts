import type { Codec } from '../codec/codec.js'
import { difference } from '../codec/difference.js'
import { storedCodec, type StoredCodec } from '../codec/stored.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import type { Headers } from '../core/record.js'
import { newerState, valueStart, versionHeaders, versionOf, withoutVersion, withVersion } from './state-version.js'

/** How the state of a kind is written, by which version of it. */
export interface StateFormat {
  readonly name: string
  readonly codec: Codec<unknown>
  /** How the store and the changelog have it, where that is not what follows from the codec. */
  readonly stored?: StoredCodec
  /** What is written carries it. @default 1 */
  readonly version?: number
  /** Makes a state of what version `from` has written, as the codec's `decodeRaw` gives it. Throws `STATE_UNREADABLE`. */
  readonly migrate?: (key: string, raw: unknown, from: number) => unknown
}

/** State as the store keeps it, with its version; version 1 costs a look at the first character. */
export class StateCodec {
  /** Of the changelog records of what `encode` gives; one object for all. */
  readonly headers: Headers | undefined
  readonly #kind: StateFormat
  readonly #version: number
  readonly #format: StoredCodec

  constructor(kind: StateFormat) {
    this.#kind = kind
    this.#version = kind.version ?? 1
    this.#format = kind.stored ?? storedCodec(kind.codec)
    this.headers = versionHeaders(this.#version)
  }

  /** Throws what the state codec throws. */
  encode(state: unknown): string {
    return withVersion(this.#version, this.#format.encode(state))
  }

  /**
   * What an older version has written is brought to this one. Throws `STATE_NEWER` for what a newer one has, and
   * `STATE_UNREADABLE` for what does not fit the schema, what cannot be brought to this version, and what the codec cannot read.
   */
  decode(key: string, stored: string): unknown {
    const start = valueStart(stored)
    const from = versionOf(stored, start)
    const value = start === 0 ? stored : stored.slice(start)
    if (from > this.#version) {
      const { name } = this.#kind
      throw newerState(`state object ${name} '${key}'`, from, this.#version, { kind: name, key })
    }
    if (from < this.#version) return this.#migrated(key, value, from)
    try {
      return this.#format.decode(value)
    } catch (cause) {
      // Without a raw read nobody can tell which it is.
      if (this.#format.raw === undefined) throw this.#damaged(key, cause)
      this.#raw(key, value)
      throw this.misfit(key, cause)
    }
  }

  /**
   * Throws `STATE_INVALID` when what `encode` gave for a state is not that state when it is read. `drops`: fields that the
   * schema drops do not count.
   */
  demandSame(state: unknown, stored: string, drops: boolean): void {
    let again: unknown
    try {
      again = this.#format.decode(withoutVersion(stored))
    } catch (cause) {
      throw new MillraceError('STATE_INVALID', `it could not be read again (${reasonOf(cause)})`, { cause })
    }
    const different = difference(state, again, { avro: this.#kind.codec.format.endsWith('avro'), drops })
    if (different !== undefined) throw new MillraceError('STATE_INVALID', different)
  }

  /** The value as the changelog carries it. */
  wire(stored: string): string | Uint8Array {
    return this.#format.wire(withoutVersion(stored))
  }

  /** A changelog value as the store keeps it. */
  fromWire(bytes: Buffer, start: number, end: number, version: number): string {
    return withVersion(version, this.#format.fromWire(bytes, start, end))
  }

  /** State of this version that is not what the schema of this version asks for. */
  misfit(key: string, cause: unknown): MillraceError {
    const { name } = this.#kind
    const version = this.#version
    return new MillraceError(
      'STATE_UNREADABLE',
      `state object ${name} '${key}': what is stored does not fit the schema (${reasonOf(cause)}). The schema was changed: raise \`version\` to ${version + 1} and add .migrate(${version}, step), or make the schema accept what is stored.`,
      { kind: name, key, cause },
    )
  }

  #migrated(key: string, value: string, from: number): unknown {
    const { migrate } = this.#kind
    const raw = this.#raw(key, value)
    return migrate === undefined ? raw : migrate(key, raw, from)
  }

  /** Tells bytes that are damaged from those that merely do not fit. */
  #raw(key: string, value: string): unknown {
    try {
      return this.#format.raw?.(value)
    } catch (cause) {
      throw this.#damaged(key, cause)
    }
  }

  #damaged(key: string, cause: unknown): MillraceError {
    const { name, codec } = this.#kind
    return new MillraceError(
      'STATE_UNREADABLE',
      `state object ${name} '${key}': the stored bytes are damaged, or another codec than ${codec.format} is now has written them (${reasonOf(cause)}). If the codec was not changed, stop the app and remove its state directory: the state is restored from the changelog.`,
      { kind: name, key, cause },
    )
  }
}
