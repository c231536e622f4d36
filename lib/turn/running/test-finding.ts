import { MillraceError } from '../../core/errors.js'

/**
 * What the test driver has found wrong with user code, though nothing has failed yet. It always stops the app, whatever policies
 * say; of its own class, since handlers may throw errors of this library too.
 */
export class TestFinding extends MillraceError {}
