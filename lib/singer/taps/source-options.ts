import { callback, checkOptions, duration, flag, oneOf, text, whole, type Rules } from '../../core/options.js'
import { MillraceError } from '../../core/errors.js'
import type { Duration } from '../../core/duration.js'
import { programRules, type ProgramOptions } from '../child/program-options.js'
import type { JsonObject } from '../messages/json-object.js'

export interface SingerSourceOptions extends ProgramOptions {
  /** As `config`, given as `catalogFlag`. */
  readonly catalog?: JsonObject | string
  /** By which argument the program takes its catalog. @default '--catalog' */
  readonly catalogFlag?: '--catalog' | '--properties'
  /** Whose records go into the topic. @default the only one there is */
  readonly stream?: string
  /** What becomes of a record of another stream. `refuse`: the program is stopped with an error, and started again after the back-off. @default 'refuse' */
  readonly otherStreams?: 'refuse' | 'ignore'
  /**
   * A value of the topic, made of a record. What it throws makes the record a dead letter. @default the JSON of the record, as it was
   * written, which the codec of the topic reads: for topics of JSON
   */
  readonly value?: (record: JsonObject, about: RecordAbout) => unknown
  /** What the record is the only one of: when it comes again it is not written again, within the `idWindow` of the source. @default none */
  readonly id?: (record: JsonObject, about: RecordAbout) => string
  /**
   * What becomes of records that no STATE has followed yet. `hold`: they are committed with the next STATE, so each comes once.
   * `commit`: they are committed as they come, for programs that seldom or never say STATE; after a crash those since the last STATE come again. @default 'hold'
   */
  readonly beforeState?: 'hold' | 'commit'
  /**
   * Each STATE is written to its stdin, as a line, when it is committed with the records before it: for queues, that forget what was acknowledged.
   * It is not handed back at the next start, so records come at least once, and once with `id`. @default false
   */
  readonly commitsToStdin?: boolean
  /** Most bytes of records between two STATEs, where they are held. @default 67108864 */
  readonly maxHeldBytes?: number
  /** How long after it has ended with code 0 it is started again, with its last STATE. @default '1m' */
  readonly every?: Duration
  /** When it has ended with code 0 it is never started again, not by other processes either. @default false */
  readonly once?: boolean
}

export interface RecordAbout {
  readonly stream: string
  /** `time_extracted`, in milliseconds since the epoch. */
  readonly time: number | undefined
}

const sourceRules: Rules<SingerSourceOptions> = {
  ...programRules,
  catalog: programRules.config,
  catalogFlag: oneOf('--catalog', '--properties'),
  stream: text,
  otherStreams: oneOf('refuse', 'ignore'),
  value: callback('a function that gives a value of the topic'),
  id: callback('a function that gives text'),
  beforeState: oneOf('hold', 'commit'),
  commitsToStdin: flag,
  maxHeldBytes: whole(1),
  every: duration,
  once: flag,
}

export function checkSourceOptions(options: SingerSourceOptions): void {
  checkOptions('singerSource', options, sourceRules)
  if (options.commitsToStdin === true && options.beforeState === 'commit')
    throw new MillraceError(
      'OPTIONS_INVALID',
      `singerSource: 'commitsToStdin' says which STATE is committed, and with beforeState: 'commit' records are that no STATE has followed; give one of them`,
    )
  if (options.once === true && options.every !== undefined)
    throw new MillraceError('OPTIONS_INVALID', `singerSource: 'once' and 'every' exclude each other; give one of them`)
}
