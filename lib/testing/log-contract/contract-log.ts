import type { LogPort } from '../../log/port.js'

/** One broker, or one embedded log, with the names a test may use on it. */
export interface ContractLog {
  readonly log: LogPort
  /** Another client of the same broker: a second member, a zombie. The caller disposes of it. */
  open(): Promise<LogPort>
  /** A name nobody has used, starting with `prefix`: for topics, groups and transactional ids. */
  name(prefix: string): string
  /** As an operator does it. */
  deleteTopic(topic: string): Promise<void>
  /**
   * Resolves when every partition of a topic is compacted: in front of its last stable offset no key is there twice. A
   * broker does it by itself, at any time, and spares what no later record has closed: the last record there has to have a
   * key of its own and to be later by `segment.ms` than all before it.
   */
  compact(topic: string): Promise<void>
  close(): Promise<void>
}

/** The log exists only once tests run: groups of tests are given this. */
export type World = () => ContractLog
