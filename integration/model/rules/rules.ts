import { plannedRules } from './planned.js'

/** A rule by which processes share tasks. Leaving it out loses or repeats something: the model shows how. */
export interface Rule {
  readonly name: string
  readonly says: string
  /** Where the library implements it; a comment there names the rule. */
  readonly code?: string
  /** The library does not do yet what the rule is about. */
  readonly planned?: true
  /** What a mutation does instead, by the mutation's name. */
  readonly wrong: Readonly<Record<string, string>>
}

export const coreRules = [
  {
    name: 'route-in-place',
    says: 'A record runs in place iff the index of its source partition is the partition of its key; nothing else enters the decision.',
    code: 'lib/runtime/path/sinks.ts',
    wrong: {
      'by-count':
        'It runs in place only while the topic has exactly as many partitions as there is state, by metadata.',
      'by-mode': 'A rolling restart changes which records run in place.',
    },
  },
  {
    name: 'all-positions',
    says: 'A commit carries the positions of all partitions of each of its tasks, inboxes too.',
    code: 'lib/runtime/tasks/task.ts',
    wrong: { 'sources-only': 'It carries the positions of sources, not those of inboxes.' },
  },
  {
    name: 'refused-is-not-ended',
    says: 'EndTxn(commit) is sent only when the transaction has accepted offsets.',
    code: 'lib/kafka/producing/transaction-state.ts',
    wrong: { ignored: 'A refusal of the offsets is ignored.' },
  },
  {
    name: 'resend-if-retained',
    says: 'A commit refused for its old generation waits for the assignment, and is sent again only if all its tasks are retained.',
    code: 'lib/runtime/ownership.ts',
    wrong: { always: 'It is sent again whatever the assignment says.' },
  },
  {
    name: 'generation-of-assignment',
    says: 'Offsets are committed under the generation whose assignment was received, not under one whose round has only ended.',
    code: 'lib/runtime/ownership.ts',
    wrong: { early: 'They are committed under the new generation as soon as JoinGroup answers.' },
  },
  {
    name: 'continuous',
    says: 'A task is retained only by a member that received the assignment of the generation just before.',
    code: 'lib/runtime/ownership.ts',
    wrong: {
      unread: 'A member that was in every round keeps its tasks, also when it never read one assignment.',
      away: 'A member that was removed and comes back keeps the tasks it had.',
    },
  },
  {
    name: 'loss-drops-current',
    says: 'An assignment that takes a task away of which the current buffer holds a part drops the whole current buffer.',
    code: 'lib/runtime/ownership.ts',
    wrong: {
      kept: 'The buffer is kept.',
      'lost-only': 'Only the part of the lost task is dropped (matters where records cross).',
      'lost-and-partners':
        'The parts of the lost task and of its direct partners are dropped (matters where records cross).',
    },
  },
  {
    name: 'rewind-to-sealed',
    says: 'When the current buffer is dropped, tasks go back to the positions of the last sealed commit.',
    code: 'lib/runtime/tasks/task.ts',
    wrong: {
      stay: 'They stay where they are.',
      committed: 'They go back to the last commit that was answered, although a sealed one is under way.',
    },
  },
  {
    name: 'abort-drops-both',
    says: 'When a sealed commit is aborted, the current buffer goes with it, because it was built upon it.',
    code: 'lib/runtime/ownership.ts',
    wrong: { 'keeps-current': 'The current buffer is kept.' },
  },
  {
    name: 'ask-the-broker',
    says: 'After a fence, or a commit of unknown outcome, everything is dropped and taken over anew: the broker knows what was decided.',
    code: 'lib/runtime/ownership.ts',
    wrong: {
      'assume-aborted':
        'The commit is taken for aborted, and its records are read again from the last known positions.',
    },
  },
  {
    name: 'lost-part-skipped',
    says: 'A commit that ends after one of its tasks was lost does not write to that task, even if it has come back (the library ends the commit first).',
    code: 'lib/runtime/ownership.ts',
    wrong: { written: 'It writes to whatever runs under that index now.' },
  },
  {
    name: 'positions-with-state',
    says: 'Each commit writes the positions of its tasks beside their state; where the group has no offset, a taker goes on from there.',
    code: 'lib/state/standing.ts',
    wrong: {
      none: 'It begins at the start.',
      local: 'They are known of the commits that the local store was given, not of those it was rolled forward by.',
      'with-changes': 'They are written when state has changed only.',
    },
  },
  {
    name: 'stable-offsets',
    says: 'A taker reads committed offsets only when no transaction is pending on any partition of the task (requireStable).',
    code: 'lib/runtime/tasks/beginnings.ts',
    wrong: { off: 'It reads what is committed at the moment.' },
  },
  {
    name: 'end-after-offsets',
    says: 'The end of the changelog is read after the stable offsets.',
    code: 'lib/state/take-over.ts',
    wrong: { before: 'It is read before them.' },
  },
  {
    name: 'end-uncommitted',
    says: 'The end of the changelog is its high watermark: markers may still be on their way.',
    code: 'lib/state/open-store.ts',
    wrong: { lso: 'It is the last stable offset.' },
  },
  {
    name: 'restore-committed',
    says: 'A restore applies committed records only.',
    code: 'lib/state/roll-forward.ts',
    wrong: { uncommitted: 'It applies whatever is in the changelog.' },
  },
  {
    name: 'inbox-committed',
    says: 'Records that hopped have their turn when the hop is committed.',
    code: 'lib/runtime/path/intake.ts',
    wrong: { uncommitted: 'They have it as soon as they are in the inbox.' },
  },
  {
    name: 'trim-committed',
    says: 'An inbox is trimmed up to an offset of a commit whose EndTxn was answered.',
    code: 'lib/runtime/commit/commit-cycle.ts',
    wrong: {
      processed: 'It is trimmed up to what was processed.',
      accepted: 'It is trimmed up to offsets that were accepted.',
    },
  },
  {
    name: 'local-never-ahead',
    says: 'The local store is given only what is committed.',
    code: 'lib/runtime/commit/commit-cycle.ts',
    wrong: { sealed: 'It is given a commit whose offsets were accepted.' },
  },
  {
    name: 'one-batch',
    says: 'State and changelog offset reach the store in one write.',
    code: 'lib/state/task-state.ts',
    wrong: { 'offset-first': 'The offset is written first.' },
  },
  {
    name: 'own-append',
    says: 'The changelog offset of a write is the end of the last append of the last commit in it.',
    code: 'lib/state/task-state.ts',
    wrong: { 'log-end': 'It is the end of the log at the time of the write, which may cover the next commit.' },
  },
  {
    name: 'flush-before-close',
    says: 'What a lost task has not flushed is written before its store closes, and its store closes before it is opened again.',
    code: 'lib/state/task-state.ts',
    wrong: { late: 'It is written later.' },
  },
  {
    name: 'age-at-open',
    says: 'A store that misses records and is older than the changelog keeps tombstones is not rolled forward but restored from the beginning.',
    code: 'lib/state/meta.ts',
    wrong: { unchecked: 'It is rolled forward.' },
  },
  {
    name: 'age-while-reading',
    says: 'The age is checked again before each piece of the roll-forward is written: afterwards nobody could tell that deletions were missed.',
    code: 'lib/state/roll-forward.ts',
    wrong: {
      unchecked: 'It is checked at the beginning only.',
      'at-end':
        'It is checked when all has been written; too old, the process stops, and its store is found at the end of the changelog.',
    },
  },
  {
    name: 'standby-committed',
    says: 'A standby reads committed records and never beyond the last stable offset.',
    code: 'lib/runtime/tasks/standbys.ts',
    wrong: { uncommitted: 'It reads all there is.' },
  },
  {
    name: 'standby-age',
    says: "A standby's age is checked when the changelog's end is asked for and again before each piece is applied; too old, it begins anew.",
    code: 'lib/state/standby.ts',
    wrong: {
      'when-asked': 'It is checked when the end is asked for only.',
      unchecked: 'Having caught up makes it young, however long that took.',
      'every-piece': 'Each piece it reads makes it young, although it has not caught up.',
      trusted: 'The owner uses it without looking at its age.',
    },
  },
  {
    name: 'attach-touched',
    says: 'A commit attaches positions of every task that had a turn in it, also of those whose positions did not move.',
    code: 'lib/runtime/tasks/task.ts',
    wrong: {
      moved: 'It attaches positions that moved, and if there are none, one of another task.',
      none: 'It attaches positions that moved; a commit of timers only has none.',
    },
  },
  {
    name: 'undo-drops-current',
    says: 'When a handler throws, the whole current buffer is dropped and replayed.',
    code: 'lib/runtime/ownership.ts',
    wrong: {
      'failing-only': 'Only the part of the task whose handler threw is dropped (matters where records cross).',
      'failing-and-source':
        'Only the parts of that task and of the task the record came from are dropped (matters where records cross).',
    },
  },
  {
    name: 'blame-alone',
    says: 'When a broker refuses a batch for its records, a record is blamed only if it is all that the commit was made of; else it is done again in smaller commits.',
    code: 'lib/runtime/commit/halving.ts',
    wrong: {
      'first-of-many': 'The first of its records is blamed.',
      'last-taken': 'What was taken last is blamed, although it may be part of the next commit.',
      'taken-only':
        'What was taken is counted, not the turns that ended in it and had been begun before: a record that was taken alone is blamed for them.',
    },
  },
  {
    name: 'quarantine-in-state',
    says: 'That an object is in quarantine is part of its state.',
    code: 'lib/turn/kept/row.ts',
    wrong: { 'in-memory': 'The process remembers it.' },
  },
  {
    name: 'marks-in-commit',
    says: 'How far event time has come in a source partition is told in the inboxes by the commit that has read so far.',
    code: 'lib/runtime/commit/marks.ts',
    wrong: { 'at-once': 'It is told outside of the transaction.' },
  },
  {
    name: 'marks-as-sealed',
    says: 'What is told is how far the sealed records have come: what is read again after a rewind counts anew.',
    code: 'lib/turn/due/source-time.ts',
    wrong: { furthest: 'It is how far the partition was ever read.' },
  },
  {
    name: 'all-origins',
    says: 'Event time waits for every source partition of its kind, also for those of which nothing has come yet.',
    code: 'lib/turn/due/stream-time.ts',
    wrong: { 'heard-only': 'It waits for those only of which something has come.' },
  },
  {
    name: 'silence-of-source',
    says: 'A source partition is left out when its owner, who has read it to its end, says that it is silent.',
    code: 'lib/runtime/path/silence.ts',
    wrong: {
      'at-inbox': 'It is left out when nothing of it has come to an inbox for long.',
      unread: 'Its owner says so although there is more to read.',
    },
  },
  {
    name: 'time-in-state',
    says: 'How far event time has come, and what of each source partition it follows from, is state of its task.',
    code: 'lib/turn/due/stream-time.ts',
    wrong: { 'in-memory': 'The process remembers it.' },
  },
  {
    name: 'park-before-seal',
    says: 'A commit that moves a position over a record whose turn has not ended has a row of that turn, and behind it of all that wait for it.',
    code: 'lib/turn/turns.ts',
    wrong: {
      'no-row': 'It has no row: the process remembers it.',
      'first-only': 'It has a row of the turn that is under way, not of those that wait for it.',
    },
  },
  {
    name: 'sealed-as-before',
    says: 'The object of a turn that is under way is sealed as it was before the turn.',
    code: 'lib/state/table.ts',
    wrong: { 'as-it-is': 'It is sealed as the turn has left it so far.' },
  },
  {
    name: 'row-ends-with-effect',
    says: 'The row of a turn ends in the commit that has the effects of the turn.',
    code: 'lib/turn/turns.ts',
    wrong: { earlier: 'It ends when the turn is begun.', never: 'It stays.' },
  },
  {
    name: 'cut-off-lost',
    says: 'Turns under way have no effect when what was done since the last seal is taken back, nor when their task goes.',
    code: 'lib/turn/running/flights.ts',
    wrong: {
      'taken-back': 'They end after all is taken back, as if nothing had happened.',
      'task-gone': 'They end after their task has gone.',
    },
  },
  {
    name: 'behind-the-parked',
    says: 'While a turn of an object is kept in a row, later ones of the object wait in rows behind it.',
    code: 'lib/turn/failing/failures.ts',
    wrong: { pass: 'They pass.' },
  },
] as const satisfies readonly Rule[]

type AnyRule = (typeof coreRules)[number] | (typeof plannedRules)[number]
export type RuleName = AnyRule['name']
/** The rules that a run breaks, and how. All others are kept. */
export type Broken = { readonly [R in AnyRule as R['name']]?: keyof R['wrong'] }

export const rules: readonly Rule[] = [...coreRules, ...plannedRules]
