import type { CommitChannel, LogPort } from '../../log/port.js'

/**
 * The same log for whoever is to do everything but write: nothing reaches it, and no transactional id is taken over, so that a
 * replay that is under way goes on.
 */
export function dry(log: LogPort): LogPort {
  const nothing: CommitChannel = {
    id: '',
    begin: () => Promise.resolve(),
    append: () => Promise.resolve({ baseOffset: 0 }),
    offsets: () => Promise.resolve(),
    commit: () => Promise.resolve(),
    abort: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  return {
    kind: log.kind,
    admin: log.admin,
    get trouble() {
      return log.trouble
    },
    join: () => Promise.reject(new Error('a dry run joins no group')),
    fetcher: (options) => log.fetcher(options),
    transactions: () => Promise.resolve(nothing),
    idempotent: () => Promise.resolve(nothing),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
