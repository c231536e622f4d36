import { createApp, stateObject, type App } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../lib/core/logger.js'
import { readAll } from '../test/reading.js'
import type { OracleTopics } from './oracle/program.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 2_000

/** The objects of the oracle in its next version: another shape, and the same eye for records that are not due. */
function nextObject({ input, errors }: OracleTopics) {
  return stateObject('object', {
    state: z.object({ seen: z.object({ times: z.number(), latest: z.number() }) }),
    init: () => ({ seen: { times: 0, latest: 0 } }),
    version: 2,
  })
    .migrate(1, ({ count, last }: { count: number; last: number[] }) => ({
      seen: { times: count, latest: last.at(-1) },
    }))
    .on(
      input,
      ({ key }) => key,
      ({ seen }, came, turn) => {
        const { topic, partition, offset } = turn.record
        if (came.n !== seen.latest + 1)
          turn.emit(errors, { came, found: null, source: `${topic}[${partition}]@${offset}` })
        seen.times++
        seen.latest = came.n
      },
    )
}

describeWithKafka('the next version of an app whose processes were killed', (brokers) => {
  it.each([
    ['their stores', 'a'],
    ['its changelog only', 'b'],
  ])(
    'goes on from state of both versions, from %s, and the one before is refused',
    async (_what, directory) => {
      const world = await World.open(brokers)
      const kind = nextObject(world.topics)
      const next = (): App =>
        createApp({
          id: world.app,
          kafka: { brokers: [...brokers] },
          objects: [kind],
          dataDir: world.directoryOf(directory),
          logger: silentLogger,
        })
      try {
        await world.feed(world.input.each(0, objects))
        const first = world.start()
        await first.until(() => first.ready !== undefined)
        await world.feed(world.input.mixed(5 * objects, objects))
        await first.until(() => first.last!.stats.commits >= 3 && first.last!.health.lag > 0)
        await first.kill()

        await using app = next()
        await app.start()
        await world.feed(world.input.mixed(objects, objects))
        await app.drained()
        expect(await readAll(world.log, world.topics.errors)).toEqual([])
        const found: [string, number][] = []
        for await (const [key, { seen }] of app.state(kind).entries()) found.push([key, seen.times])
        expect(new Map(found)).toEqual(new Map([...world.input.states].map(([key, { count }]) => [key, count])))
        await app.close()

        const old = world.start({}, directory)
        await old.ended
        expect(old.errors).toMatch(/STATE_NEWER/)
        expect(old.errors).toMatch(/object, task \d: state of version 2, this program knows 1/)
      } finally {
        await world.close()
      }
    },
    120_000,
  )
})
