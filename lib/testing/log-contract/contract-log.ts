import type { LogPort } from '../../log/port.js'

/** One broker, or one embedded log, with the names a test may use on it. */
export interface ContractLog {
  readonly log: LogPort
  /** Another client of the same broker: a second member, a zombie. The caller disposes of it. */
  open(): Promise<LogPort>
  /** A name nobody has used, starting with `prefix`: for topics, groups and transactional ids. */
  name(prefix: string): string
  /** Compacts every partition of a topic as far as the rules allow. */
  compact?(topic: string): Promise<void>
  close(): Promise<void>
}

/** The log exists only once tests run: groups of tests are given this. */
export type World = () => ContractLog
