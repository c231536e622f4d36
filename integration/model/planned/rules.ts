/**
 * Rules of what is designed and not built: crossing without a hop, failing handlers with replay and quarantine, timers.
 * They are kept in the model so that building them begins from rules that hold.
 */
export const plannedRules = [
  {
    name: 'gate',
    says: 'A record crosses into a task of the same process only when the inbox of that task has been read up to an end that covers all earlier hops.',
    planned: true,
    wrong: {
      none: 'It crosses whenever both tasks run here.',
      latched: 'Once open, the gate stays open, also after a rewind.',
    },
  },
  {
    name: 'gate-end-uncommitted',
    says: 'The end a gate waits for is the high watermark of the inbox.',
    planned: true,
    wrong: { lso: 'It is the last stable offset.' },
  },
  {
    name: 'gate-end-after-offsets',
    says: 'The end a gate waits for is read after the stable offsets of the source were fetched.',
    planned: true,
    wrong: { before: 'It is read when the assignment is received.' },
  },
  {
    name: 'gate-after-own-hops',
    says: 'The end a gate waits for is read after those commits of this process have ended that hold hops to that inbox.',
    planned: true,
    wrong: { 'at-once': 'It is read although such a commit is under way.' },
  },
  {
    name: 'attach-touched',
    says: 'A commit attaches positions of every task that had a turn in it, also of those whose positions did not move.',
    planned: true,
    wrong: {
      moved: 'It attaches positions that moved, and if there are none, one of another task.',
      none: 'It attaches positions that moved; a commit of timers only has none.',
    },
  },
  {
    name: 'undo-drops-current',
    says: 'When a handler throws, the whole current buffer is dropped and replayed.',
    planned: true,
    wrong: {
      'failing-only': 'Only the part of the task whose handler threw is dropped.',
      'failing-and-source': 'Only the parts of that task and of the task the record came from are dropped.',
    },
  },
  {
    name: 'quarantine-in-state',
    says: 'That an object is in quarantine is part of its state.',
    planned: true,
    wrong: { 'in-memory': 'The process remembers it.' },
  },
] as const
