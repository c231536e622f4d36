import { text, topic } from 'millrace'
import { consoleRecords } from './kafka/console-consumer.js'
import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import { Digest } from './oracle/digest.js'
import { killPlan, type Life } from './oracle/kill-plan.js'
import { rawRecords } from './oracle/raw-batches.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const kills = 12
/** Fed before each life, so that there is work for it however fast the one before was. */
const perLife = 15_000
const objects = 2_000
/** Short, so that a kill nearly always hits an open transaction and a life of a few commits leaves work for the next. */
const commitIntervalMs = 25

/** Processes that died with an open transaction. */
const leastAborted = 3
const mostRounds = 4

/** Statuses, one every 20 ms, after which a process that is ready and has nothing to do is killed all the same. */
const patience = 150

/** Another run of the same kills: MILLRACE_SEED=… npx jest integration/crash-loop.test.ts */
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000)

describeWithKafka(`an app that is killed again and again (seed ${seed})`, (brokers) => {
  it('loses, doubles and disorders nothing, and shows no record of an aborted transaction', async () => {
    const world = await World.open(brokers, seed)
    try {
      await world.feed(world.input.each(0, objects))

      const { updates } = world.topics
      const updatesOf = world.partitionsOf(updates.name)
      const deaths: Death[] = []
      // A transaction is open for some milliseconds of each commit: on another machine the same kills hit others, or none.
      for (let round = 0; round < mostRounds; round++) {
        for (const life of killPlan(kills, seed + round)) deaths.push(await live(world, life))
        const { aborted, abortedRecords } = await rawRecords(world.log, updatesOf)
        if (aborted.size >= leastAborted && abortedRecords > 0) break
      }
      const { records } = world.input
      const last = world.start({ untilDrained: true, instanceId: 'one', commitIntervalMs })
      await last.finished()
      report(deaths, last)

      await expectExactlyOnce(world, last.objects)
      await expectSettled(world)
      const raw = await rawRecords(world.log, updatesOf)
      console.log(
        `seed ${seed}: ${raw.abortedRecords} updates aborted, in transactions of ${raw.aborted.size} processes; ${raw.commits} commit markers`,
      )
      expect(raw.records - raw.abortedRecords).toBe(records)
      expect(raw.abortedRecords).toBeGreaterThan(0)
      expect(raw.aborted.size).toBeGreaterThanOrEqual(leastAborted)
      expect(deaths.filter(({ wasWorking }) => wasWorking).length).toBeGreaterThanOrEqual(deaths.length / 2)

      const [ours, theirs] = [new Digest(), new Digest()]
      for await (const { value, record } of world.log.read(topic(updates.name, text())))
        ours.add({ ...record, value: String(value) })
      for await (const record of consoleRecords(brokers, updates.name, records)) theirs.add(record)
      expect(ours.result).toEqual({ ...theirs.result, records })
    } finally {
      await world.close()
    }
  }, 480_000)
})

interface Death extends Life {
  readonly wasWorking: boolean
  readonly readyAfterMs: number | undefined
  readonly restored: number
  readonly processed: number
  readonly lag: number
  readonly livedMs: number
}

/** One process, from its start to its `kill -9`. */
async function live(world: World, life: Life): Promise<Death> {
  if (life.forgetful) await world.forget()
  await world.feed(world.input.mixed(perLife, objects))
  const bornAt = performance.now()
  const child = world.start({ commitIntervalMs, ...(life.isStatic ? { instanceId: 'one' } : {}) })
  if (life.moment === 'restoring')
    await child.until(() => (child.last?.stats.restoredRecords ?? 0) > 0 || child.ready !== undefined)
  if (life.moment === 'working')
    await child.until(
      () => (isAtWork(child) && child.last!.stats.commits >= life.commits) || child.statusesSinceReady > patience,
    )
  await new Promise((resolve) => setTimeout(resolve, life.afterMs))
  await child.kill()
  const { stats, health } = child.last ?? {}
  return {
    ...life,
    wasWorking: isAtWork(child),
    readyAfterMs: child.readyAfterMs,
    restored: stats?.restoredRecords ?? 0,
    processed: stats?.records ?? 0,
    lag: health?.lag ?? 0,
    livedMs: Math.round(performance.now() - bornAt),
  }
}

/** Its last words were that records are being processed, and that there are more. */
function isAtWork({ last, beforeLast }: OracleProcess): boolean {
  return last !== undefined && last.health.lag > 0 && last.stats.records > (beforeLast?.stats.records ?? 0)
}

function report(deaths: readonly Death[], last: OracleProcess): void {
  const line = (
    { moment, forgetful, isStatic, readyAfterMs, restored, processed, lag, livedMs, wasWorking }: Death,
    i: number,
  ): string =>
    `${i + 1}. ${moment}${forgetful ? ', no local state' : ''}${isStatic ? '' : ', dynamic'}: ` +
    `ready after ${readyAfterMs === undefined ? '-' : Math.round(readyAfterMs)} ms, restored ${restored}, processed ${processed}, lag ${lag}, killed after ${livedMs} ms${wasWorking ? '' : ', idle'}`
  console.log([`seed ${seed}`, ...deaths.map(line), `the last: ${JSON.stringify(last.done?.stats)}`].join('\n'))
}
