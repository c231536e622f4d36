/**
 * Rules of what is designed and not built: crossing without a hop. They are kept in the model so that building it begins from
 * rules that hold.
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
] as const
