import { MillraceError } from '../../core/errors.js'
import type { Fetched } from '../../log/port.js'
import { InboxReader } from './inbox-reader.js'
import type { Reader, ReaderSurroundings } from './reader.js'
import { SourceReader } from './source-reader.js'
import type { Task } from '../tasks/task.js'

/** Throws `DEFINITION_INVALID` for a topic the app does not read. */
export function readerFor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings): Reader {
  const { sources, inboxes } = surroundings.pipeline
  const source = sources.get(fetched.topic)
  if (source !== undefined) return new SourceReader(task, fetched, surroundings, source)
  const inbox = inboxes.get(fetched.topic)
  if (inbox !== undefined) return new InboxReader(task, fetched, surroundings, inbox)
  throw new MillraceError('DEFINITION_INVALID', `${fetched.topic} is not read by this app`, { topic: fetched.topic })
}
