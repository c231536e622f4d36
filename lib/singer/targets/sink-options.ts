import { MillraceError } from '../../core/errors.js'
import { callback, checkOptions, oneOf, positive, rule, text, type Rules } from '../../core/options.js'
import type { Duration } from '../../core/duration.js'
import type { SinkRecord } from '../../connect/sink.js'
import { hasJson, isJsonObject } from '../messages/json-object.js'
import { programRules, type ProgramOptions } from '../child/program-options.js'

export interface SingerSinkOptions<V> extends ProgramOptions {
  /** Of the records, as the program knows it. @default the name of the topic */
  readonly stream?: string
  /** What the records are: JSON Schema, or a schema of zod (from 4.2 on), of which it is made. @default any object */
  readonly schema?: object
  /** Properties that name a record, by which programs write over what they have: then what comes twice is there once. @default none */
  readonly keyProperties?: readonly string[]
  /** The record that is sent of a value. What it throws makes the value a dead letter. @default the value, which must be an object */
  readonly value?: (value: V, record: SinkRecord<V>) => object
  /**
   * What becomes of tombstones. `refuse`: they are dead letters. `skip`: they are left out. `deleted-at`: a record of the key, as the one of
   * `keyProperties`, and `_sdc_deleted_at`, the time of the tombstone. @default 'refuse'
   */
  readonly tombstones?: 'refuse' | 'skip' | 'deleted-at'
  /**
   * When the program repeats a STATE, which acknowledges what came before. `each-state`: when it has it. `at-end`: when its input ends, as with most programs from PyPI:
   * then one is started for each batch, so let `batchRecords` of the sink be large. @default 'each-state'
   */
  readonly acknowledges?: 'each-state' | 'at-end'
  /** How long it may take to acknowledge a batch; then it is killed, and the batch sent again to a new one. @default '1m' */
  readonly ackTimeout?: Duration
}

const sinkRules: Rules<SingerSinkOptions<never>> = {
  ...programRules,
  stream: text,
  schema: rule('JSON Schema as an object, or a schema of zod from 4.2 on', isSchema),
  keyProperties: rule(
    'a list of names',
    (value) => Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== ''),
  ),
  value: callback('a function that gives an object'),
  tombstones: oneOf('refuse', 'skip', 'deleted-at'),
  acknowledges: oneOf('each-state', 'at-end'),
  ackTimeout: positive,
}

export function checkSinkOptions<V>(options: SingerSinkOptions<V>): void {
  checkOptions('singerSink', options, sinkRules)
  if (options.tombstones === 'deleted-at' && options.keyProperties?.length !== 1)
    throw new MillraceError(
      'OPTIONS_INVALID',
      "singerSink: with tombstones: 'deleted-at' give one name as keyProperties: it is what the key of a record is called",
    )
}

/** Of a schema library that gives no JSON Schema nothing would be left. */
function isSchema(value: unknown): boolean {
  if (typeof value === 'function') return false
  if (!isJsonObject(value)) return false
  const standard = (value as { readonly '~standard'?: { readonly jsonSchema?: unknown } })['~standard']
  return standard === undefined ? hasJson(value) : standard.jsonSchema !== undefined
}
