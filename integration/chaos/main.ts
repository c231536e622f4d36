// npm run chaos: a random schedule of faults, decided by a seed, against processes of the oracle's app on real brokers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finalCheck } from './final-check.js'
import { optionsFrom, usage, type ChaosOptions } from './options.js'
import { progressTo } from './progress.js'
import { runSchedule, type Running } from './schedule.js'
import { within } from './waiting.js'
import { ChaosWorld } from './world.js'

const finalPatienceMs = 300_000

async function run(options: ChaosOptions): Promise<boolean> {
  const startedAt = performance.now()
  const dir = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
  const world = await ChaosWorld.open(options, dir)
  const say = progressTo(world, startedAt)
  const running: Running = { doing: 'start' }
  process.once('exit', () => world.fleet.killAll())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void close(world).finally(() => process.exit(130)))
  }
  // Brokers are processes of their own, and would stay.
  process.once('uncaughtException', (error) => {
    process.stderr.write(`seed ${options.seed}: ${error.stack}\n`)
    void close(world).finally(() => process.exit(1))
  })
  try {
    await runSchedule(world, startedAt + options.minutes * 60_000, running, say)
    running.doing = 'final check'
    const raw = await within(finalPatienceMs, 'the final check', finalCheck(world, say))
    const { counters, fleet, input } = world
    const rollbacks = fleet.all.reduce((sum, { process }) => sum + (process.last?.stats.rollbacks ?? 0), 0)
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    const { seed, minutes, brokers, instances, faults } = options
    const told = { ...counters, instances: fleet.all.length, abortedTransactions: raw.aborts, rollbacks }
    console.log(
      JSON.stringify({
        ok: true,
        seed,
        minutes,
        brokers,
        most: instances,
        faults,
        ...told,
        records: input.records,
        seconds,
      }),
    )
    await close(world)
    rmSync(dir, { recursive: true, force: true })
    return true
  } catch (error) {
    say(`FAILED while: ${running.doing}`)
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    process.stderr.write(`\nseed ${options.seed}: ${what}\n\ninstances:\n${world.fleet.report()}\n\n`)
    process.stderr.write(`logs of the instances, their data and the brokers' are in ${dir}\n`)
    await close(world)
    return false
  }
}

async function close(world: ChaosWorld): Promise<void> {
  await within(60_000, 'the end of the run', world.close()).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
  })
}

try {
  // Not by itself: after a failure something may still be waited for.
  process.exit((await run(optionsFrom(process.argv.slice(2)))) ? 0 : 1)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  process.exitCode = 2
}
