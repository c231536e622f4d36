import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text, topic } from 'millrace'
import { kafkaLog, type KafkaLog } from '../../lib/kafka/kafka-log.js'
import { nextName } from '../names.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { Program, programOf } from './program.js'

const sessionTimeoutMs = 10_000

describeWithKafka('an app that was killed', (brokers) => {
  let log: KafkaLog
  let dir: string
  let app: string
  const programs: Program[] = []

  beforeEach(async () => {
    log = kafkaLog({ brokers })
    app = nextName('killed')
    dir = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
    const info = { partitions: 2, replicationFactor: -1, configs: {} }
    await log.admin.create([{ name: `${app}-words`, ...info }])
  })
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.end('SIGKILL')))
    await log[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  function start(...more: readonly string[]): Program {
    const common = ['--brokers', brokers.join(','), '--app', app, '--session-timeout', String(sessionTimeoutMs)]
    const program = new Program([...programOf('words-app.ts'), ...common, '--dir', dir, ...more])
    programs.push(program)
    return program
  }

  const send = (...values: readonly string[]) => log.send(topic(`${app}-words`, text()), values)

  it('is running again long before its session would have ended, without an instanceId', async () => {
    const first = start()
    await send('a')
    await first.until(/committed after/)
    await first.end('SIGKILL')
    await send('b')
    const second = start()
    const [, ms] = await second.until(/committed after (\d+) ms/)
    console.log(`first commit ${ms} ms after the start, with a session of ${sessionTimeoutMs} ms still open`)
    expect(Number(ms)).toBeLessThan(sessionTimeoutMs / 2)
    expect(second.errors).toBe('')
    expect(await second.end('SIGTERM')).toBe(0)
  })

  it('whose session another machine holds says for whom it waits and what to do, once, and in its health', async () => {
    const old = start('--elsewhere')
    await old.until(/joined/)
    await old.end('SIGKILL')
    await send('a')
    const second = start()
    await second.until(/waits: .*/)
    const [, ms] = await second.until(/committed after (\d+) ms/)
    console.log(`first commit ${ms} ms after the start, with the session of another machine`)
    expect(second.out).toMatch(
      /waits: app '.*' waits to join group.*'old' \(process \d+ on elsewhere, .*10 s after.*instanceId/,
    )
    expect(second.errors.match(/waits to join group/g)).toHaveLength(1)
    expect(second.errors).toMatch(/"level":"warn","message":"app '.*' waits to join.*'old'/)
    expect(await second.end('SIGTERM')).toBe(0)
  })

  it('is kept its place when it has an instanceId, but for development', async () => {
    const first = start('--instance-id', 'one')
    await send('a')
    await first.until(/committed after/)
    await first.end('SIGKILL')
    const { members } = await log.admin.describeGroup(app)
    await send('b')
    const again = start('--instance-id', 'one')
    await again.until(/committed after/)
    await again.end('SIGKILL')
    expect(members.map(({ instanceId }) => instanceId)).toEqual(['one'])
    const other = start('--instance-id', 'two', '--development')
    await send('c')
    const [, ms] = await other.until(/committed after (\d+) ms/)
    expect(Number(ms)).toBeLessThan(sessionTimeoutMs / 2)
    expect((await log.admin.describeGroup(app)).members.map(({ instanceId }) => instanceId)).toEqual(['two'])
    expect(await other.end('SIGTERM')).toBe(0)
  })
})
