import type { MillraceError } from '../core/errors.js'

/** Not an error of the connector: what its topic says is to stop the app. */
export class StopsApp extends Error {
  readonly error: MillraceError

  constructor(error: MillraceError) {
    super(error.message)
    this.error = error
  }
}
