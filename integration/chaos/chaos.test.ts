import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describeWithKafka } from '../setup/with-kafka.js'

const program = join('build', 'integration', 'chaos', 'main.js')

/** Another schedule: MILLRACE_SEED=… npx jest integration/chaos. `npm run chaos` runs longer ones. */
const seed = process.env.MILLRACE_SEED ?? '4'

// It kills brokers, so it starts its own.
describeWithKafka(`an app in several processes under a random schedule of faults (seed ${seed})`, () => {
  it('does everything exactly once, whatever breaks', async () => {
    const args = [
      '--enable-source-maps',
      program,
      '--minutes',
      '1',
      '--seed',
      seed,
      '--rate',
      '500',
      '--trouble',
      '0.01',
    ]
    // What it says on failure is the message of the error: the seed, and the first divergence or the wait that failed.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 })
    console.log(stderr + stdout)
    const { ok, checkpoints, kills, zombies, scaleSteps, brokerRestarts, networkFaults, diskFaults, topicFaults } =
      JSON.parse(stdout)
    expect(ok).toBe(true)
    expect(checkpoints).toBeGreaterThanOrEqual(1)
    const faults = [kills, zombies, scaleSteps, brokerRestarts, networkFaults, diskFaults, topicFaults]
    expect(Math.max(...faults)).toBeGreaterThanOrEqual(1)
  }, 300_000)
})
