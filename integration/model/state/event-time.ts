import type { ObjectState } from './objects.js'
import { unborn } from './objects.js'
import type { Source } from './records.js'

/** How far a source partition has come; silent: it has been read to its end, and nothing has come for a while. */
export interface Progress {
  readonly latest: number
  readonly silent: boolean
}

/** In an inbox: what the owner of source partitions says of them. */
export interface Mark {
  readonly mark: ReadonlyMap<Source, Progress>
}

/** How far event time has come in a task, and what it follows from: one more object of its state. */
export interface TimeState extends ObjectState {
  readonly now: number
  readonly heard: ReadonlyMap<Source, Progress>
}

export const timeKey = (task: number): number => -1_000 - task

export const noTime: TimeState = { ...unborn, now: -Infinity, heard: new Map() }

/** What an owner has to say of a source partition: undefined as long as it does not know whether it is silent. */
export interface Saying {
  readonly silent: boolean | undefined
  /** What its last commit said. */
  readonly told: Progress | undefined
}
