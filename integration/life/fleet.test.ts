import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp, stateObject, text, topic } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../../lib/core/logger.js'
import { kafkaLog, type KafkaLog } from '../../lib/kafka/kafka-log.js'
import { main } from '../cli/command.js'
import { nextName } from '../names.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { Program, programOf } from './program.js'

const partitions = 6
const processes = 3
const keys = Array.from({ length: 30 }, (_, i) => `word-${i}`)

const millrace = (args: readonly string[]): Program => new Program([main, ...args])

function tsProgram(name: string): readonly string[] {
  const [first = '', ...others] = programOf(name)
  return [first, '--', ...others]
}

describe('millrace run', () => {
  it('gives up a program that ends at once, and says so', async () => {
    const fleet = millrace(['run', '--processes', '2', '--crashes', '1', ...tsProgram('crashing.ts')])
    expect(await fleet.end()).toBe(1)
    expect(fleet.errors).toMatch(/\[0\] the disk is full/)
    expect(fleet.errors).toMatch(/process \d has ended with exit code 3: it is started again in 0\.5 s/)
    expect(fleet.errors).toMatch(
      /ended within 10 s of its start 2 times one after the other, last with exit code 3: that is a crash loop/,
    )
  })

  it.each([
    [['run', 'no-such-file.js'], 4, /there is no such file/],
    [['run', '--processes', '0', 'x.js'], 2, /whole number from 1 to 256/],
    [['run', '--processes', 'many', 'x.js'], 2, /whole number/],
    [['run', '--name', 'a b', 'x.js'], 2, /letters, digits/],
    [['run', '--stop-timeout', '-1', 'x.js'], 2, /whole number and its unit/],
    [['run'], 2, /missing required argument/],
  ])('refuses %j', async (args, code, said) => {
    const fleet = millrace(args)
    expect(await fleet.end()).toBe(code)
    expect(fleet.errors).toMatch(said)
    expect(fleet.errors).not.toMatch(/ {4}at /)
  })
})

describeWithKafka('processes of millrace run', (brokers) => {
  let log: KafkaLog
  let dir: string
  let app: string
  let fleet: Program

  beforeEach(async () => {
    log = kafkaLog({ brokers })
    app = nextName('fleet')
    dir = mkdtempSync(join(tmpdir(), 'millrace-fleet-'))
    await log.admin.create([{ name: `${app}-words`, partitions, replicationFactor: -1, configs: {} }])
    const args = ['--brokers', brokers.join(','), '--app', app, '--dir', dir, '--http']
    const options = ['--processes', String(processes), '--port', '0', '--name', 'here']
    fleet = millrace(['run', ...options, ...tsProgram('words-app.ts'), ...args])
  })
  afterEach(async () => {
    await fleet.end('SIGKILL')
    await log[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  const pids = (): readonly number[] => [...fleet.out.matchAll(/^\[\d\] pid (\d+)$/gm)].map(([, pid]) => Number(pid))

  /** What an app finds that is started after them. */
  async function counts(): Promise<ReadonlyMap<string, number>> {
    const words = topic(`${app}-words`, text())
    const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
      words,
      (value) => value,
      (state) => void state.count++,
    )
    // Their places in the group are kept for them, but for development.
    const options = { id: app, log, dataDir: dir, objects: [word], logger: silentLogger, development: true }
    await using later = createApp(options)
    await later.start()
    await later.drained()
    const found = new Map<string, number>()
    for await (const [key, { count }] of later.state(word).entries()) found.set(key, count)
    return new Map(keys.map((key) => [key, found.get(key) ?? 0]))
  }

  it('are one to the outside, come back after kill -9 and when they are restarted, and lose nothing', async () => {
    const [, url] = await fleet.until(/processes are one at (http:\S+)/)
    const get = (path: string): Promise<Response> => fetch(`${url}${path}`)
    let sent = 0
    const send = async (): Promise<void> => {
      await log.send(topic(`${app}-words`, text()), keys, { key: (key) => key })
      sent++
    }
    const ready = async (): Promise<number> =>
      ((await (await get('/readyz')).json()) as { readyProcesses: number }).readyProcesses
    while ((await ready()) < processes) await sleep(20)
    await send()

    process.kill(pids()[1] as number, 'SIGKILL')
    await send()
    await fleet.until(/process \d has ended with SIGKILL: it is started again/)
    while (pids().length < processes + 1 || (await ready()) < processes) await sleep(20)
    await send()

    fleet.child.kill('SIGHUP')
    let isRestarted = false
    const restarted = fleet.until(/all processes were restarted/).then(() => (isRestarted = true))
    let probes = 0
    const unready: string[] = []
    while (!isRestarted) {
      const probe = await get('/readyz')
      const said = await probe.text()
      probes++
      // On a machine that is too busy to commit in time, what is left is degraded, and says so.
      if (probe.status !== 200 && !said.includes('"degraded"')) unready.push(said)
      await send()
      await sleep(50)
    }
    await restarted
    expect(unready).toEqual([])
    expect(pids()).toHaveLength(2 * processes + 1)

    const metrics = await (await get('/metrics')).text()
    expect(new Set([...metrics.matchAll(/process="(\d+)"/g)].map(([, number]) => number))).toEqual(
      new Set(['0', '1', '2']),
    )
    expect(metrics.match(/^# TYPE millrace_turns_total /gm)).toHaveLength(1)
    const { members } = await log.admin.describeGroup(app)
    expect(members.map(({ instanceId }) => instanceId).sort()).toEqual(['here-0', 'here-1', 'here-2'])

    await send()
    expect(await fleet.end('SIGTERM')).toBe(0)
    expect(fleet.out.match(/ended well/g)).toHaveLength(2 * processes)
    console.log(`${sent} rounds of ${keys.length} words; ${probes} probes while restarting`)
    expect(await counts()).toEqual(new Map(keys.map((key) => [key, sent])))
  }, 120_000)
})
