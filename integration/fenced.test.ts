import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const records = 100_000
const objects = 1_000

describeWithKafka('an app whose transactions others take for those of a dead process', (brokers) => {
  it('reads its input again from the last commit, and does everything exactly once', async () => {
    const world = await World.open(brokers)
    try {
      await world.feed(world.input.each(0, objects))
      await world.feed(world.input.mixed(records - objects, objects))
      const app = world.start({ commitIntervalMs: 25, untilDrained: true })
      let fenced = 0
      while (fenced < 5) {
        const { last } = app
        await app.until(() => app.last !== last && app.last!.health.ready && app.last!.health.lag > 0)
        fenced += (await world.log.admin.fence(`${world.app}:`, new Set())).length
      }
      await app.finished()
      expect(app.done!.stats.rollbacks).toBeGreaterThanOrEqual(1)
      await expectExactlyOnce(world, app.objects)
      await expectSettled(world)
    } finally {
      await world.close()
    }
  }, 180_000)

  it('aborts at once what a killed static member left open, when another process takes its place', async () => {
    const world = await World.open(brokers)
    try {
      await world.feed(world.input.each(0, objects))
      await world.feed(world.input.mixed(2 * records - objects, objects))
      const readyAfter: number[] = []
      const waited: number[] = []
      for (const instanceId of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
        // Always committing, so that the kill hits an open transaction.
        const killed = world.start({ commitIntervalMs: 1, instanceId })
        await killed.until(
          () => killed.last !== undefined && killed.last.health.lag > 0 && killed.last.stats.commits >= 3,
        )
        await killed.kill()
        const successor = world.start({ commitIntervalMs: 25, instanceId })
        await successor.until(() => successor.ready !== undefined && successor.last!.stats.commits >= 3)
        readyAfter.push(successor.readyAfterMs!)
        // Longer than the one before, which was started on the same machine and found nothing of its own.
        waited.push(successor.readyAfterMs! - killed.readyAfterMs!)
        await successor.kill()
        // Nor does it take itself for the dead one.
        expect(successor.errors).not.toMatch(/PRODUCER_FENCED|INVALID_PRODUCER_EPOCH/)
      }
      console.log(`ready after ${readyAfter.map(Math.round).join(', ')} ms`)
      const last = world.start({ untilDrained: true })
      await last.finished()
      // Left to its time-out, a transaction blocks its partitions for 10 s.
      expect(Math.max(...waited)).toBeLessThan(8_000)
      await expectExactlyOnce(world, last.objects)
      await expectSettled(world)
    } finally {
      await world.close()
    }
  }, 300_000)
})
