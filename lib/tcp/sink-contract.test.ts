import { listening } from '../../test/tcp.js'
import { sinkContract } from '../connect/index.js'
import { tcpSink } from './index.js'

describe.each(['length', 'line'] as const)('a sink with answers, by %s', (frames) => {
  const taken: string[] = []
  let there: Awaited<ReturnType<typeof listening>>
  beforeAll(async () => {
    there = await listening({ frames }, ({ bytes }) => {
      const value = JSON.parse(Buffer.from(bytes!).toString()) as string
      if (value === 'bad') return 'it is bad'
      taken.push(value)
      return undefined
    })
  })
  afterAll(() => there.close())

  const checks = sinkContract<string>({
    connector: () => tcpSink({ connect: { port: there.port }, frames, answers: true }),
    value: (n) => `value ${n}`,
    count: (value) => taken.filter((each) => each === value).length,
    refused: 'bad',
  })
  it.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
