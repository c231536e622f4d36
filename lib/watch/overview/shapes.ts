// What instances and the monitor page say to each other, as JSON. Nothing is imported: the page is compiled without Node's types.

/** What an app is made of, as a graph. */
export interface Topology {
  readonly app: string
  /** The topic of dead letters. */
  readonly deadLetters: string
  readonly nodes: readonly TopologyNode[]
  readonly edges: readonly TopologyEdge[]
}

export interface TopologyNode {
  readonly id: string
  readonly kind: 'topic' | 'object' | 'lookup' | 'source' | 'sink'
  readonly name: string
  /** What there is to say of it, a line each. */
  readonly notes: readonly string[]
}

export interface TopologyEdge {
  readonly from: string
  readonly to: string
  readonly type: string
  /** The topic whose rate it shows, and which: records read from it, or written to it by the app. */
  readonly topic: string
  readonly rate: 'read' | 'written'
  /** Steps on the way: `map → filter`. */
  readonly label: string
}

/** One process of an app, as it sees itself. Counters are since its start. */
export interface InstanceReport {
  readonly app: string
  readonly instance: string
  readonly version: string | undefined
  readonly node: string
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly now: number
  readonly health: ReportedHealth
  readonly counts: ReportedCounts
  readonly tasks: readonly TaskReport[]
  /** Of tasks that it is taking over. */
  readonly restoring: readonly RestoreReported[]
  readonly standbys: readonly { readonly task: number; readonly isCurrent: boolean }[]
  readonly connectors: readonly ConnectorReport[]
  /** Milliseconds since the last commit; undefined before the first. */
  readonly sinceCommitMs: number | undefined
  /** How long commits took, all together, and of how many: those that were measured. */
  readonly commitTime: Timed
  /** Turns of each kind, and how long those took that were measured. */
  readonly kinds: readonly ({ readonly kind: string; readonly turns: number } & Timed)[]
  /** Records of the app in each topic, its own topics too. */
  readonly written: Readonly<Record<string, number>>
  readonly memoryBytes: number
}

export interface Timed {
  readonly count: number
  readonly totalMs: number
}

export interface ReportedHealth {
  readonly live: boolean
  readonly ready: boolean
  readonly state: string
  readonly reason: string | undefined
  readonly lag: number
  readonly paused: readonly string[]
  /** What does not pass by itself, and what to do about it. */
  readonly needsOperator: readonly string[]
}

export interface ReportedCounts {
  readonly records: number
  readonly turns: number
  readonly failed: number
  readonly deadLetters: number
  readonly skipped: number
  readonly quarantined: number
  readonly commits: number
  readonly rollbacks: number
  readonly restoredRecords: number
}

export interface TaskReport {
  readonly task: number
  readonly quarantined: number
  readonly partitions: readonly PartitionReport[]
}

export interface PartitionReport {
  readonly topic: string
  readonly position: number
  /** Undefined as long as it is not known. */
  readonly end: number | undefined
  /** Age of the first record that waits, as far as it is known. */
  readonly lagSeconds: number | undefined
}

export interface RestoreReported {
  readonly task: number
  readonly records: number
  /** Of the changelogs' offsets, how many are passed and how many there are; undefined before that is known. */
  readonly position: number | undefined
  readonly end: number | undefined
}

export interface ConnectorReport {
  readonly kind: 'source' | 'sink'
  readonly name: string
  readonly connector: string
  readonly state: string
  readonly reason: string | undefined
  readonly records: number
  readonly deadLetters: number
  readonly lag: number | undefined
}

/** A process of the app, as its group knows it, with what it says of itself. */
export interface MemberView {
  readonly instance: string
  /** From where it is connected. */
  readonly host: string
  readonly http: string | undefined
  readonly tasks: readonly number[]
  readonly standbys: readonly number[]
  readonly report: InstanceReport | undefined
  /** Why there is no report. */
  readonly away: string | undefined
}

/** The app as a whole, each second. */
export interface Snapshot {
  readonly at: number
  readonly app: string
  /** The instance that tells this. */
  readonly asked: string
  /** Of the group: `stable`, `rebalancing`, `empty`, `none`, or `unknown` when brokers do not say. */
  readonly group: string
  readonly members: readonly MemberView[]
}

/** What is shown of a value. */
export interface Shown {
  readonly text: string
  readonly isCut: boolean
}

export interface ObjectLine {
  readonly key: string
  readonly state: Shown
}

export interface ObjectList {
  readonly objects: readonly ObjectLine[]
  /** There are more, behind the last one. */
  readonly more: boolean
  /** Who could not be asked: their objects are missing here. */
  readonly missing: readonly Missing[]
}

export interface Missing {
  readonly instance: string
  readonly why: string
}

export interface ObjectDetail {
  readonly kind: string
  readonly key: string
  readonly task: number
  readonly instance: string
  /** Undefined: there is no such object. */
  readonly state: Shown | undefined
  readonly timers: readonly ShownTimer[]
  readonly waiting: ShownWaiting | undefined
  readonly quarantine: ShownQuarantine | undefined
  /** Milliseconds since the epoch at which it is forgotten. */
  readonly expires: number | undefined
}

export interface ShownTimer {
  readonly name: string
  readonly id: string | undefined
  readonly time: string
  readonly dueMs: number
  readonly payload: Shown
  readonly isPutOff: boolean
}

export interface ShownWaiting {
  readonly count: number
  readonly bytes: number
  /** Of the first of them: attempts so far, and when it is tried again. */
  readonly attempt: number | undefined
  readonly retryAt: number | undefined
  readonly first: ShownRecord | undefined
}

export interface ShownRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Shown
  readonly value: Shown
}

export interface ShownQuarantine {
  readonly since: number
  readonly code: string
  readonly letters: number
  readonly until: number | undefined
}

export interface QuarantinedLine {
  readonly kind: string
  readonly key: string
  readonly since: number
  readonly code: string
  readonly letters: number
  readonly instance: string
}

export interface QuarantinedList {
  readonly objects: readonly QuarantinedLine[]
  readonly more: boolean
  readonly missing: readonly Missing[]
}

export interface LetterLine {
  readonly partition: number
  readonly offset: number
  /** When it was written; of letters of older versions the time of its record. */
  readonly at: number
  readonly app: string | undefined
  readonly code: string | undefined
  readonly message: string | undefined
  readonly kind: string | undefined
  readonly key: string | undefined
  readonly number: number | undefined
  readonly connector: string | undefined
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number } | undefined
  /**
   * `open`: it can be replayed; `done`: it has had its turn, or needs none; `again`: it says that an earlier one failed again;
   * `unknown`: whoever has its object cannot be asked.
   */
  readonly status: 'open' | 'done' | 'again' | 'unknown'
  /** Why it needs nothing more. */
  readonly note: string | undefined
}

export interface LetterPage {
  readonly topic: string
  readonly letters: readonly LetterLine[]
  /** For those before them; undefined when there are none. */
  readonly next: string | undefined
}

export interface LetterDetail extends LetterLine {
  readonly version: string | undefined
  readonly timestamp: number | undefined
  readonly stack: string | undefined
  readonly recordKey: Shown
  readonly value: Shown
  readonly valueBytes: number | undefined
  readonly headers: readonly { readonly name: string; readonly value: Shown }[]
}

/** What an object says of its letters. */
export interface LetterStanding {
  readonly series: string
  readonly done: number
}

export interface Warning {
  readonly seq: number
  readonly at: number
  readonly level: 'warn' | 'error'
  readonly message: string
  readonly instance: string
}

export interface WarningList {
  readonly warnings: readonly Warning[]
  readonly missing: readonly Missing[]
}

/** What a replay has done. */
export interface ReplayOutcome {
  readonly replayed: number
  readonly objects: number
  readonly dropped: number
  readonly resent: number
  readonly leftInAll: number
  readonly left: readonly { readonly partition: number; readonly offset: number; readonly why: string }[]
}
