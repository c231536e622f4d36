import { nextName } from './names.js'
import { World } from './rabbitmq/world.js'
import { OwnRabbitmq } from './setup/own-rabbitmq.js'
import { describeWithKafka } from './setup/with-kafka.js'

type Fault = (world: World) => Promise<void>

/** Makes a queue anew. Whoever deletes a queue deletes its messages: it is empty then. */
const renewed =
  (end: 'in' | 'out'): Fault =>
  async (world) => {
    await world.settled()
    const queue = `${world.name}-${end}`
    await world.server.ctl('delete_queue', queue)
    const feeding = world.feeder.feed(200)
    await world.server.declare(queue)
    await Promise.all([feeding, world.server.synced()])
  }

const faults: Readonly<Record<string, Fault>> = {
  'the app is killed': async (world) => {
    await world.killApp()
    await world.start()
  },
  'the server is killed': (world) => world.restartServer(),
  'all connections are closed': async ({ server }) => void (await server.ctl('close_all_connections', 'for a test')),
  'both are killed': async (world) => {
    await Promise.all([world.killApp(), world.restartServer()])
    await world.start()
  },
  'the queue that is read is made anew': renewed('in'),
  'the queue that is written is made anew': renewed('out'),
}

/** The same for the same seed. */
function* chosen(seed: number, count: number): Iterable<string> {
  const names = Object.keys(faults)
  let random = seed
  for (let i = 0; i < count; i++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    yield names[Math.floor((random / 2 ** 32) * names.length)]!
  }
}

describeWithKafka('messages that flow through an app', (brokers) => {
  let server: OwnRabbitmq
  beforeAll(async () => {
    server = await OwnRabbitmq.start()
  }, 60_000)
  afterAll(async () => await server.remove())

  it.each<[string, readonly string[]]>([
    ['each thing that can die does, in turn', Object.keys(faults)],
    ['they die at random', [...chosen(7, 6)]],
  ])(
    'are written once each and all sent while %s',
    async (_what, happening) => {
      const world = new World(nextName('kills'), brokers, server)
      await server.declare(`${world.name}-in`, `${world.name}-out`)
      await server.synced()
      await world.start()
      try {
        for (const fault of happening) {
          const { fed } = await world.feed(2_000)
          await faults[fault]!(world)
          await fed
        }
        await world.settled()
        const { fed } = world.feeder
        const ids = await world.idsWritten()
        expect(ids.toSorted()).toEqual(Array.from({ length: fed }, (_, n) => `m${n}`).sort())
        const written = await world.written()
        expect(written.size).toBe(fed)
        expect(new Map([...world.out].map(([id, { text }]) => [id, text]))).toEqual(written)
        const again = [...world.out.values()].reduce((sum, { times }) => sum + times - 1, 0)
        console.log(`${fed} messages, ${happening.length} faults, ${again} sent again`)
      } finally {
        await world.close()
      }
    },
    240_000,
  )
})
