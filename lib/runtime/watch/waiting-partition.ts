/** A partition that is not read on for now: what its next record was written with has to be asked for, and nobody answers. */
export interface WaitingPartition {
  readonly topic: string
  readonly partition: number
  /** Milliseconds since 1970. */
  readonly since: number
  readonly reason: string
}
