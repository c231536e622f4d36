import { required, duration, rule, text, whole, type Rules } from '../../core/options.js'
import type { Duration } from '../../core/duration.js'
import { hasJson, type JsonObject } from '../messages/json-object.js'

/** A program that speaks the Singer message format. It is started without a shell around its arguments, on Linux and macOS. */
export interface ProgramOptions {
  /** The executable: a path, or a name to be looked for in PATH. */
  readonly command: string
  /** Its first arguments; `--config` and the like come behind them. They are seen by all users of the machine: no passwords here. */
  readonly args?: readonly string[]
  /** The folder that the program is run in. @default that of this process */
  readonly cwd?: string
  /** On top of the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Given as `--config FILE`: an object is written to a file that only this user can read, and that is gone with the program; text is the path of a file. */
  readonly config?: JsonObject | string
  /** How long it may take to end when it is to; then it is killed. @default '5s' */
  readonly stopTimeout?: Duration
  /** Most bytes of a line of its stdout. @default 4194304 */
  readonly maxLineBytes?: number
}

export const programRules: Rules<ProgramOptions> = {
  command: required(rule('text that is not empty, without NUL', (value) => isArgument(value) && value !== '')),
  args: rule('a list of texts without NUL', (value) => Array.isArray(value) && value.every(isArgument)),
  cwd: text,
  env: rule('an object of names and texts', isEnvironment),
  config: rule('an object that JSON can hold, or the path of a file', isFileOption),
  stopTimeout: duration,
  maxLineBytes: whole(1_024, 512 * 1_048_576),
}

function isArgument(value: unknown): boolean {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
}

function isEnvironment(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, text]) => isArgument(text) && /^[^=\0]+$/.test(name))
}

function isFileOption(value: unknown): boolean {
  return (typeof value === 'string' && value !== '' && isArgument(value)) || hasJson(value)
}
