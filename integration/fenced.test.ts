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
  }, 60_000)
})
