import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text, topic } from 'millrace'
import { kafkaLog, type KafkaLog } from '../../lib/kafka/kafka-log.js'
import { membersOf } from '../../lib/runtime/membership/members.js'
import { nextName } from '../names.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { Program, programOf } from './program.js'

const partitions = 4

describeWithKafka('two processes of an app', (brokers) => {
  let log: KafkaLog
  let app: string
  const dirs: string[] = []
  const programs: Program[] = []

  beforeEach(async () => {
    log = kafkaLog({ brokers })
    app = nextName('ready')
    await log.admin.create([{ name: `${app}-words`, partitions, replicationFactor: -1, configs: {} }])
  })
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.end('SIGKILL')))
    await log[Symbol.asyncDispose]()
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
  })

  async function start(): Promise<{ readonly program: Program; readonly url: string }> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-ready-'))
    dirs.push(dir)
    const args = ['--brokers', brokers.join(','), '--app', app, '--dir', dir, '--session-timeout', '6000', '--http']
    const program = new Program([...programOf('words-app.ts'), ...args])
    programs.push(program)
    const [, url = ''] = await program.until(/listens at (\S+)\./)
    return { program, url }
  }

  const isReady = async (url: string): Promise<boolean> =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    )

  /** How many tasks each member has; nothing while the group agrees. */
  const shares = async (): Promise<readonly number[]> =>
    (membersOf(await log.admin.describeGroup(app)) ?? []).map(({ tasks }) => tasks.length)

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'always have one that is ready, when one gets %s',
    async (signal) => {
      const [one, other] = await Promise.all([start(), start()])
      const send = (): Promise<unknown> =>
        log.send(
          topic(`${app}-words`, text()),
          Array.from({ length: 50 }, (_, i) => `word-${i}`),
        )
      while ((await shares()).join() !== '2,2' || !(await isReady(one.url)) || !(await isReady(other.url))) await send()

      const seen: boolean[] = []
      const ended = one.program.end(signal)
      while ((await shares()).join() !== String(partitions)) {
        await send()
        const both = await Promise.all([isReady(one.url), isReady(other.url)])
        seen.push(both.includes(true))
      }
      await ended
      for (let i = 0; i < 20; i++) seen.push(await isReady(other.url))
      expect(seen.filter((some) => !some)).toEqual([])
      expect(await isReady(one.url)).toBe(false)
      const { state } = (await (await fetch(`${other.url}/readyz`)).json()) as { readonly state: string }
      expect(['running', 'restoring']).toContain(state)
    },
    60_000,
  )
})
