import { isCodec } from '../codec/codec.js'
import { MillraceError } from '../core/errors.js'
import { callback, checkOptions, duration, oneOf, required, rule, shown, whole, type Rules } from '../core/options.js'
import type { Topic } from '../model/stream.js'
import type { Sink, SinkOptions } from './sink.js'
import type { Source, SourceOptions } from './source.js'

const aTopic = rule('a topic, made with topic(name, schema)', (value) => {
  const { name, codec } = (value ?? {}) as Partial<Topic<unknown>>
  return typeof name === 'string' && isCodec(codec)
})

const hasKindAndOpen = (value: unknown): boolean => {
  const { kind, open } = (value ?? {}) as { kind?: unknown; open?: unknown }
  return typeof kind === 'string' && kind !== '' && typeof open === 'function'
}

const sourceRules: Rules<SourceOptions<never>> = {
  into: required(aTopic),
  from: required(
    rule("a source connector, such as tcpSource({ listen: { port: 7000 }, frames: 'line' })", hasKindAndOpen),
  ),
  key: callback('a function that gives the key of a value, or null'),
  idWindow: whole(0, 1_000_000),
  backoff: duration,
  maxBackoff: duration,
}

const sinkRules: Rules<SinkOptions<never>> = {
  from: required(aTopic),
  to: required(rule("a sink connector, such as tcpSink({ connect: { port: 7001 }, frames: 'line' })", hasKindAndOpen)),
  batchRecords: whole(1, 1_000_000),
  batchBytes: whole(1),
  begin: oneOf('earliest', 'latest'),
  backoff: duration,
  maxBackoff: duration,
  attempts: rule(
    "a whole number from 1 on, or 'unlimited'",
    (value) => value === 'unlimited' || (Number.isSafeInteger(value) && (value as number) >= 1),
  ),
}

/**
 * A source of an app: brings records from outside into a topic, for `createApp({ sources })`. Its name is where its positions are found again.
 * Throws `OPTIONS_INVALID` and `DEFINITION_INVALID`.
 */
export function source<V>(name: string, options: SourceOptions<V>): Source {
  checkName(name, 'source')
  checkOptions(`source '${name}'`, options, sourceRules)
  checkConnector(name, options)
  return Object.freeze({ kind: 'source', name, options: Object.freeze({ ...options }) as SourceOptions<unknown> })
}

/**
 * A sink of an app: takes committed records of a topic to the outside, for `createApp({ sinks })`. Its name is that of its consumer
 * group, `<app>-sink-<name>`. Throws `OPTIONS_INVALID` and `DEFINITION_INVALID`.
 */
export function sink<V>(name: string, options: SinkOptions<V>): Sink {
  checkName(name, 'sink')
  checkOptions(`sink '${name}'`, options, sinkRules)
  const { delivery = 'acknowledged', kind } = options.to
  if (delivery !== 'acknowledged' && delivery !== 'volatile') {
    const what = `has delivery ${shown(delivery)}; it is 'acknowledged' or 'volatile'`
    throw new MillraceError('DEFINITION_INVALID', `sink '${name}': the connector '${kind}' ${what}`)
  }
  return Object.freeze({ kind: 'sink', name, options: Object.freeze({ ...options }) as SinkOptions<unknown> })
}

function checkConnector(name: string, { from }: Pick<SourceOptions<never>, 'from'>): void {
  const { delivery, partitions, everywhere } = from
  const complain = (what: string): never => {
    throw new MillraceError('DEFINITION_INVALID', `source '${name}': the connector '${from.kind}' ${what}`)
  }
  if (!['replayable', 'acknowledged', 'volatile'].includes(delivery))
    complain(`has delivery ${shown(delivery)}; it is 'replayable', 'acknowledged' or 'volatile'`)
  if (everywhere === true && delivery === 'replayable')
    complain('is replayable and everywhere: positions have one owner, so it can be one of both')
  if (partitions === undefined) return
  const isList = Array.isArray(partitions) && partitions.every(isPartitionName)
  if (!isList || partitions.length === 0 || partitions.length > 1_000)
    complain(
      `has partitions ${shown(partitions)}; give a list of 1 to 1,000 names, each well-formed text of 1 to 200 characters`,
    )
  if (new Set(partitions).size !== partitions.length) complain('names one of its partitions twice')
}

/** It is a part of a transactional id. */
const isPartitionName = (name: unknown): boolean =>
  typeof name === 'string' && name !== '' && name.length <= 200 && name.isWellFormed()

/** No dash, so that `<app>-<name>-positions` cannot mean two things. */
function checkName(name: string, what: string): void {
  if (typeof name === 'string' && /^[A-Za-z0-9_.]{1,100}$/.test(name)) return
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${typeof name === 'string' ? `'${name.slice(0, 300)}'` : shown(name)} cannot name a ${what}: use letters, digits, '_' and '.' (no dash)`,
  )
}
