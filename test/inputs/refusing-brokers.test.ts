import { memoryLog } from '../../lib/memory/memory-log.js'
import { cases, expectedOf, outcomeOf } from './refusing-brokers.js'

describe('the embedded log refuses', () => {
  it.each(cases)('%s: the app goes on, and the record is a dead letter', async (_what, each) => {
    await using log = memoryLog({ partitions: 2 })
    const configure = (topic: string, configs: Readonly<Record<string, string>>): Promise<void> =>
      log.configure(topic, configs)
    expect(await outcomeOf({ log, name: (prefix) => prefix, configure }, each)).toEqual(expectedOf(each))
  })
})
