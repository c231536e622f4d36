import { channel, type Channel } from 'node:diagnostics_channel'
import type { MillraceError } from '../errors.js'

/** Where something happened, as far as it has a place. */
interface Place {
  readonly app: string
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined
}

/** What is published under each name of `node:diagnostics_channel`. What is done again is told again. */
export interface DiagnosticEvents {
  /** The app is in another state: see `health()`. */
  readonly 'millrace:state': {
    readonly app: string
    readonly from: string
    readonly to: string
    readonly reason: string | undefined
  }
  /** The group has given this member an assignment. */
  readonly 'millrace:rebalance': {
    readonly app: string
    readonly generation: number
    readonly tasks: readonly number[]
    readonly standbys: readonly number[]
  }
  /** The group has removed this member, or its session has ended. */
  readonly 'millrace:group.lost': { readonly app: string; readonly reason: string }
  /** How far a restore is; once a second at most, and at its end. */
  readonly 'millrace:restore': {
    readonly app: string
    readonly tasks: readonly number[]
    readonly records: number
    readonly bytes: number
    readonly remaining: number
    readonly recordsPerSecond: number
    readonly done: boolean
  }
  /** A commit was made. */
  readonly 'millrace:commit': {
    readonly app: string
    readonly seq: number
    readonly tasks: readonly number[]
    readonly records: number
    readonly bytes: number
    readonly durationMs: number
  }
  /** A commit was not made: its input is read again, or the app stops. */
  readonly 'millrace:commit.refused': { readonly app: string; readonly error: unknown }
  /** What was done since the last commit is taken back and done again. */
  readonly 'millrace:redo': { readonly app: string; readonly reason: string }
  /** An attempt of a turn has failed. */
  readonly 'millrace:turn.failed': Place & {
    readonly kind: string
    readonly key: string
    readonly input: string
    readonly attempt: number
    readonly error: MillraceError
  }
  /** No turn was run for a record. */
  readonly 'millrace:refused': Place & {
    readonly policy: 'dead-letter' | 'skip' | 'stop'
    readonly error: MillraceError
  }
  /** A dead letter was written. */
  readonly 'millrace:dead-letter': Place & {
    readonly kind: string | undefined
    readonly key: string | undefined
    readonly error: MillraceError
  }
  /** An object has come into quarantine, or out of it. */
  readonly 'millrace:quarantine': {
    readonly app: string
    readonly task: number
    readonly kind: string
    readonly key: string
    readonly isIn: boolean
  }
}

/** Asked before a message is made: nobody pays for what nobody hears. */
export const channels: { readonly [Name in keyof DiagnosticEvents]: Channel } = {
  'millrace:state': channel('millrace:state'),
  'millrace:rebalance': channel('millrace:rebalance'),
  'millrace:group.lost': channel('millrace:group.lost'),
  'millrace:restore': channel('millrace:restore'),
  'millrace:commit': channel('millrace:commit'),
  'millrace:commit.refused': channel('millrace:commit.refused'),
  'millrace:redo': channel('millrace:redo'),
  'millrace:turn.failed': channel('millrace:turn.failed'),
  'millrace:refused': channel('millrace:refused'),
  'millrace:dead-letter': channel('millrace:dead-letter'),
  'millrace:quarantine': channel('millrace:quarantine'),
}

export const isHeard = (name: keyof DiagnosticEvents): boolean => channels[name].hasSubscribers

/** Publishes; what subscribers throw changes nothing. Call it where `isHeard`. */
export function publish<Name extends keyof DiagnosticEvents>(name: Name, message: DiagnosticEvents[Name]): void {
  const { _subscribers: subscribers } = channels[name] as { readonly _subscribers?: unknown }
  // Node ends the process after the error of a subscriber. Where it keeps them elsewhere, it does so.
  if (!Array.isArray(subscribers)) return channels[name].publish(message)
  for (const subscriber of Array.from<unknown>(subscribers)) {
    try {
      const returned: unknown = (subscriber as (message: unknown, name: string) => unknown)(message, name)
      if (returned instanceof Promise) returned.catch(() => undefined)
    } catch {
      // It is none of the app's.
    }
  }
}
