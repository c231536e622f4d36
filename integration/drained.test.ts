import { createApp, kafkaLog, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('when an app has been drained', (brokers) => {
  it('all that it has written can be read, what timers wrote in the end included', async () => {
    await using log = kafkaLog({ brokers })
    const app = nextName('drained')
    const ticks = topic(`${app}-ticks`, z.number(), { timestamp: (at) => at, partitions: 1 })
    const echoes = topic(`${app}-echoes`, z.number())
    const echo = stateObject('echo', { state: z.object({}), init: () => ({}) })
      .timers({ later: z.number() }, { time: 'event' })
      .on(ticks, String, (_state, at, turn) => turn.timer('later', '1ms', at))
      .onTimer('later', (_state, at, turn) => turn.emit(echoes, at))
    await using running = createApp({ id: app, objects: [echo], log, createTopics: true })
    await running.start()
    const written: (number | null)[] = []
    const first = Date.now()
    for (let at = first; at < first + 30; at++) {
      await log.send(ticks, [at])
      await running.drained()
      if (at === first) continue
      written.push(at - 1)
      const read: (number | null)[] = []
      for await (const { value } of log.read(echoes)) read.push(value)
      expect(read.sort()).toEqual(written)
    }
  }, 60_000)
})
