import { durationMs, type Duration } from '../core/duration.js'
import { checkOptions, duration, flag, rule, type Rules } from '../core/options.js'
import { MillraceError } from '../core/errors.js'
import { readToken, type TokenTopic } from '../log/client/commit-token.js'

/** Of one read, or of all that a state reader makes. */
export interface ReadOptions {
  /**
   * Commit tokens, as `log.send` and `commitToken` give them: the read waits until what was written up to them has had its effect, and is
   * never older. Rejects with `READ_TIMEOUT` when that takes longer than `timeout`, and with `TOKEN_INVALID` for what is no token of a topic that
   * the kind reads.
   */
  readonly after?: string | readonly string[]
  /** So long it is tried: while the task moves, is restored, or cannot be reached, and to wait for `after`. @default '5s' */
  readonly timeout?: Duration
  /** May be answered by a standby, this instance's before all others; `read` says how old that is. Not with `after`. @default false */
  readonly stale?: boolean
}

export interface ResolvedRead {
  readonly tokens: readonly TokenTopic[]
  /** As they were given. */
  readonly after: readonly string[]
  readonly timeoutMs: number
  readonly stale: boolean
  /** Whether it waits although nobody else can be asked. */
  readonly waits: boolean
}

const mostTokens = 100
const defaultTimeoutMs = 5_000

const rules: Rules<ReadOptions> = {
  after: rule('a commit token, or a list of them', (value) => typeof value === 'string' || Array.isArray(value)),
  timeout: duration,
  stale: flag,
}

/** Throws `OPTIONS_INVALID` and `TOKEN_INVALID`. `defaults` are checked already. */
export function resolveRead(call: string, options: ReadOptions, defaults: ReadOptions = {}): ResolvedRead {
  checkOptions(call, options, rules)
  const { after = [], timeout, stale = false } = { ...defaults, ...given(options) }
  const tokens = typeof after === 'string' ? [after] : after
  if (tokens.length > mostTokens)
    throw new MillraceError('OPTIONS_INVALID', `${call}: after has ${tokens.length} tokens; give ${mostTokens} at most`)
  if (stale && tokens.length > 0)
    throw new MillraceError(
      'OPTIONS_INVALID',
      `${call}: a read that may be stale cannot wait for tokens: leave out stale or after`,
    )
  return {
    tokens: tokens.flatMap((token) => readToken(token)),
    after: tokens,
    timeoutMs: timeout === undefined ? defaultTimeoutMs : durationMs(timeout, 'timeout'),
    stale,
    waits: timeout !== undefined,
  }
}

const given = (options: ReadOptions): ReadOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
