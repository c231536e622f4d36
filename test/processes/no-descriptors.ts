import { openSync } from 'node:fs'
import { Child } from '../../lib/singer/child/child.js'
import { silentLogger } from '../../lib/core/logger.js'

/** Starts a program when this process has no descriptors left, and says what that throws. */
const options = { command: 'true', args: [], cwd: undefined, env: {}, secrets: [], folder: '/no/such/folder' }
try {
  for (;;) openSync('/dev/null', 'r')
} catch {
  // There are none left.
}
try {
  new Child({ ...options, stdin: 'closed', stopTimeoutMs: 100, logger: silentLogger })
} catch (error) {
  const { code, message } = error as { code?: string; message: string }
  setTimeout(() => process.stdout.write(`${code} ${message}\n`, () => process.exit(0)), 200)
}
