import { endWithReader } from '../../lib/cli/frame/interrupts.js'
import { runFleet } from '../../lib/cli/running/run.js'

// Processes of a program: `fleet.ts <program.js>`.
endWithReader()
const options = { processes: 2, name: 'here', port: undefined, crashes: 0, stopTimeout: 20_000, prefix: true }
void runFleet(process.argv[2] as string, [], options).then(
  () => process.exit(0),
  () => process.exit(1),
)
