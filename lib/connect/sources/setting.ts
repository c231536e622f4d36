import { durationMs } from '../../core/duration.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { BatchRules } from '../../log/batch-rules.js'
import { OutputTimes } from '../../log/output-times.js'
import type { TopicLimits } from '../../log/topic-limits.js'
import { topicNode, type TopicNode } from '../../model/stream.js'
import type { RunnerOptions } from '../runner.js'
import type { Source, SourceConnector } from '../source.js'

/** A source in an app, resolved: no defaults are applied further in. */
export interface Setting extends RunnerOptions {
  readonly source: string
  readonly connector: SourceConnector
  readonly into: TopicNode
  readonly key: ((value: unknown) => unknown) | undefined
  readonly idWindow: number
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** Every process reads all partitions: there are no positions, no ids and no transactions. */
  readonly isEverywhere: boolean
  /** Sorted, so that it makes no difference in which order a connector lists them. */
  readonly partitions: readonly string[]
  readonly rules: BatchRules
  readonly times: OutputTimes
}

/** What the topics of a source are now. */
export interface SourceTopics {
  /** The same object for all who write there: it changes when the topic does. */
  readonly into: { partitions: number }
  readonly letters: string
  readonly letterPartitions: number
  readonly positions: string
  readonly positionPartitions: number
  readonly limits: TopicLimits
}

const defaultIdWindow = 10_000

export function settingOf(options: RunnerOptions, { name, options: given }: Source, rules: BatchRules): Setting {
  const { from, key, idWindow = defaultIdWindow, backoff = '100ms', maxBackoff = '30s' } = given
  const backoffMs = durationMs(backoff, `source '${name}': backoff`)
  return {
    ...options,
    source: name,
    connector: from as SourceConnector,
    into: topicNode(given.into),
    key: key as Setting['key'],
    idWindow: from.everywhere === true ? 0 : idWindow,
    // A source that fails at once must not keep a core busy.
    backoffMs: Math.max(1, backoffMs),
    maxBackoffMs: Math.max(1, backoffMs, durationMs(maxBackoff, `source '${name}': maxBackoff`)),
    isEverywhere: from.everywhere === true,
    partitions: [...(from.partitions ?? ['0'])].sort(),
    rules,
    times: new OutputTimes(rules, options.clock),
  }
}

/** For messages. */
export function placeOf({ source, connector }: Pick<Setting, 'source' | 'connector'>, partition: string): string {
  const part = connector.partitions === undefined ? '' : `, partition '${partition}'`
  return `source '${source}' (${connector.kind})${part}`
}

/** What the code of a connector has done wrong, or could not do. */
export function sourceFailed(place: string, what: string, cause?: unknown): MillraceError {
  const why = cause === undefined ? '' : ` (${reasonOf(cause)})`
  return new MillraceError('SOURCE_FAILED', `${place}: ${what}${why}`, cause === undefined ? {} : { cause })
}
