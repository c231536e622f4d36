import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, stateObject, text, topic, type App } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../lib/core/logger.js'
import { kafkaLog, type KafkaLog } from '../lib/kafka/kafka-log.js'
import { ended, millrace, programs, startCommand, type Ended } from './cli/command.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const shop = join(programs, 'shop.mjs')
const json = ({ stdout }: Ended): any => JSON.parse(stdout)

describeWithKafka('the command millrace', ([broker = '']) => {
  let log: KafkaLog
  let folder: string
  let id: string
  const apps: App[] = []

  beforeAll(() => {
    log = kafkaLog({ brokers: [broker] }, { logger: silentLogger })
  })
  afterAll(() => log[Symbol.asyncDispose]())
  beforeEach(() => {
    id = nextName('shop')
    folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  })
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  /** With the program of the shop, under a name that is new. */
  const ofShop = (...args: readonly string[]): Promise<Ended> =>
    millrace([...args, '--program', shop, '--brokers', broker], { SHOP: id })
  const make = (name: string, partitions: number, configs = {}): Promise<void> =>
    log.admin.create([{ name, partitions, replicationFactor: -1, configs }])
  const startApp = async (instanceId: string): Promise<App> => {
    const order = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      topic(`${id}.orders`, text()),
      (value) => value,
      (state) => void state.n++,
    )
    const app = createApp({
      id,
      objects: [order],
      kafka: { brokers: [broker] },
      dataDir: join(folder, instanceId),
      instanceId,
      logger: silentLogger,
    })
    apps.push(app)
    await app.start()
    return app
  }

  describe('topics', () => {
    it('finds what is missing, makes it, and finds nothing more; the app starts on it', async () => {
      const before = await ofShop('topics', 'check', '--json')
      expect(before.code).toBe(1)
      expect(json(before).findings).toHaveLength(7)
      expect(json(before).findings[0]).toMatchObject({ topic: `${id}.orders`, what: 'missing', severity: 'error' })

      const planned = json(await ofShop('topics', 'create', '--dry-run', '--json'))
      expect(planned.created.map(({ name }: { name: string }) => name)).toHaveLength(7)
      expect((await log.admin.describe([`${id}.orders`])).get(`${id}.orders`)).toBeUndefined()
      const made = json(await ofShop('topics', 'create', '--partitions', '2', '--replication-factor', '1', '--json'))
      const sizes = ({ created }: any) => created.map(({ name, partitions }: any) => [name, partitions])
      expect(sizes(made)).toEqual(sizes(planned).map(([name, count]: any) => [name, count === -1 ? 2 : count]))
      expect(made.created[0]).toMatchObject({ replicationFactor: 1 })
      const after = await ofShop('topics', 'check')
      expect([after.code, after.stdout]).toEqual([0, `7 topics are there, and as app '${id}' needs them\n`])
      await startApp('one')
      expect((await ofShop('topics', 'create')).stdout).toBe('nothing is missing\n')
    })

    it('says what is other than it has to be', async () => {
      await make(`${id}.orders`, 2)
      await make(`${id}.totals`, 1)
      await make(`${id}.customers`, 1)
      await make(`${id}-order-changelog`, 2, { 'cleanup.policy': 'delete' })
      await make(`${id}-order-inbox`, 5, { 'retention.ms': '-1', 'retention.bytes': '-1' })
      await make(`${id}-timers`, 2, { 'cleanup.policy': 'compact' })
      await make(`${id}-dlq`, 1)
      await make(`${id}-cart-changelog`, 2, { 'cleanup.policy': 'compact' })
      const checked = await ofShop('topics', 'check', '--json')
      expect(checked.code).toBe(1)
      const found = json(checked).findings.map(({ topic, severity, what, have, want }: any) => {
        return [topic.slice(id.length), severity, what, have, want]
      })
      expect(found).toEqual([
        ['-order-changelog', 'error', 'config', 'delete', 'compact'],
        ['-order-inbox', 'error', 'partitions', 5, 2],
        ['.orders', 'warning', 'partitions', 2, 3],
        ['.customers', 'warning', 'config', 'delete', 'compact'],
        ['-cart-changelog', 'warning', 'unclaimed', undefined, undefined],
      ])
    })

    it('does not make its own topics without its sources, nor those whose content is gone', async () => {
      const early = await ofShop('topics', 'create', '--own')
      expect([early.code, early.stderr]).toEqual([4, expect.stringContaining(`not all of ${id}.orders are there`)])

      await make(`${id}.orders`, 2)
      await log.send(topic(`${id}.orders`, text()), ['a', 'b', 'c', 'd'])
      const app = await startApp('one')
      await app.drained()
      await app.close()
      await log.admin.deleteTopics([`${id}-order-changelog`])
      const lost = await ofShop('topics', 'create')
      expect([lost.code, lost.stderr]).toEqual([3, expect.stringContaining('the state that was in it is gone')])
      expect((await log.admin.list(`${id}-`)).includes(`${id}-order-changelog`)).toBe(false)
    })

    it('lists by name what there is of an app, without its program', async () => {
      await make(`${id}-timers`, 3)
      await make(`${id}-order-changelog`, 3)
      // Of another app, whose id begins with this one's.
      await make(`${id}-other-order-changelog`, 1)
      const listed = await millrace(['topics', '--app', id, '--brokers', broker])
      const table = [
        `topic${' '.repeat(id.length + 11)}  what       partitions  there`,
        `${id}-order-changelog  changelog           3  yes`,
        `${id}-timers           timers              3  yes`,
      ]
      expect(listed).toEqual({ code: 0, stdout: `${table.join('\n')}\n`, stderr: '' })
    })
  })

  describe('of an app that runs', () => {
    it('describe says who has which tasks, and lag how far it is in each partition and who has it', async () => {
      await make(`${id}.orders`, 2)
      await log.send(topic(`${id}.orders`, text()), ['a', 'b', 'c', 'd'])
      await Promise.all([startApp('one'), startApp('two')])
      await apps[0]?.drained()
      const described = json(await millrace(['describe', '--app', id, '--brokers', broker, '--json']))
      expect(described).toMatchObject({ app: id, kinds: ['order'], reads: [`${id}.orders`], state: 'stable' })
      const members = described.members as { instance: string; tasks: number[] }[]
      expect(members.map(({ instance }) => instance).sort()).toEqual(['one', 'two'])
      expect(members.flatMap(({ tasks }) => tasks).sort()).toEqual([0, 1])

      const lag = json(await millrace(['lag', '--app', id, '--json'], { MILLRACE_BROKERS: broker }))
      const orders = lag.groups[0].partitions.filter(({ topic }: { topic: string }) => topic === `${id}.orders`)
      expect(orders.map(({ partition, lag: left, instance }: any) => [partition, left, instance])).toEqual(
        [0, 1].map((task) => [task, 0, members.find(({ tasks }) => tasks.includes(task))?.instance]),
      )
      expect(lag.groups.map(({ group }: { group: string }) => group)).toEqual([id, `${id}-replay`])

      await Promise.all(apps.splice(0).map((app) => app.close()))
      await log.send(topic(`${id}.orders`, text()), ['e', 'f', 'g'])
      const behind = await millrace(['lag', '--app', id, '--brokers', broker])
      expect(behind.stdout).toMatch(new RegExp(`^${id}: lag 3`, 'm'))
    })

    it('lag goes on looking until Ctrl-C, and until nobody reads any more', async () => {
      await make(`${id}.orders`, 1)
      const args = [
        'lag',
        '--app',
        id,
        '--brokers',
        broker,
        '--program',
        shop,
        '--watch',
        '--interval',
        '100ms',
        '--json',
      ]
      const stopped = startCommand(args, { SHOP: id })
      let lines = ''
      stopped.stdout.on('data', (chunk) => {
        lines += String(chunk)
        if (lines.split('\n').length > 3) stopped.kill('SIGINT')
      })
      const end = await ended(stopped)
      expect(end.code).toBe(130)
      for (const line of end.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('groups')

      const piped = startCommand(args, { SHOP: id })
      piped.stdout.once('data', () => piped.stdout.destroy())
      expect((await ended(piped)).code).toBe(0)
    })
  })

  describe('of a program', () => {
    const program = (name: string, ...args: readonly string[]): Promise<Ended> =>
      millrace(['describe', '--program', join(programs, name), ...args])

    it('describe gives text, a drawing and JSON, and keeps what the program prints out of it', async () => {
      const drawn = await program('shop.mjs', '--format', 'mermaid')
      expect(drawn.stdout.split('\n')[0]).toBe('flowchart LR')
      expect(drawn.stderr).toBe('a program may print\n')
      const graph = json(await program('shop.mjs', '--json'))
      expect(graph).toMatchObject({ app: 'shop', deadLetters: 'shop-dlq' })
      expect((await program('shop.mjs')).stdout).toContain('\n  state object order (json)\n')
    })

    it('takes one that starts its app by itself, without starting it, and one in CommonJS', async () => {
      expect((await program('starts-itself.mjs')).stdout).toContain('app by-itself\n')
      expect((await program('commonjs.cjs')).stdout).toContain('app common\n')
    })

    it('takes the one that is named, of several', async () => {
      const several = await program('two-apps.mjs')
      expect([several.code, several.stderr]).toEqual([2, expect.stringMatching(/several apps: first, second/)])
      expect((await program('two-apps.mjs', '--app', 'second')).stdout).toContain('app second\n')
      expect((await program('two-apps.mjs', '--app', 'third')).code).toBe(4)
    })

    it.each<[what: string, file: string, content: string, code: number, says: RegExp]>([
      ['throws', 'a.mjs', 'const a = 1\nthrow new Error("no DATABASE_URL")\n', 1, /no DATABASE_URL \(.*a\.mjs:2/],
      ['throws no error', 'a.mjs', 'throw undefined\n', 1, /failed when it was imported: undefined/],
      ['cannot be parsed', 'a.mjs', 'const = 1\n', 1, /a\.mjs failed when it was imported: .*Unexpected token/],
      ['imports what is not there', 'a.mjs', "import 'no-such-package'\n", 1, /no-such-package/],
      ['is TypeScript', 'a.ts', 'export const a: number = 1\n', 2, /is TypeScript.*--import tsx/],
      ['ends the process', 'a.mjs', 'process.exit(0)\n', 1, /has ended the process with exit code 0/],
      ['waits for ever', 'a.mjs', 'await new Promise(() => {})\n', 1, /waits, .* for something that never comes/],
      ['makes no app', 'a.mjs', 'export const app = 1\n', 4, /makes no app/],
    ])('says in a line what is wrong with one that %s', async (_what, file, content, code, says) => {
      const path = join(folder, file)
      writeFileSync(path, content)
      const end = await millrace(['describe', '--program', path])
      expect(end).toEqual({ code, stdout: '', stderr: expect.stringMatching(says) })
      expect(end.stderr.trim().split('\n')).toHaveLength(1)
      expect(end.stderr).not.toMatch(/^\s+at /m)
      expect((await millrace(['describe', '--program', path, '--debug'])).code).toBe(code)
    })

    it('says what is wrong with the options of one', async () => {
      const end = await program('bad-options.mjs')
      expect(end).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/bad-options\.mjs.*id 'no spaces'/) })
    })
  })

  describe('with a wrong command line', () => {
    const away = ['--brokers', '127.0.0.1:1', '--timeout', '2500ms']
    it.each<[args: readonly string[], code: number, says: RegExp]>([
      [[], 2, /^Usage: millrace/],
      [['topcs'], 2, /unknown command 'topcs'\n\(Did you mean topics\?\)/],
      [['--brokers', 'a:1', 'lag'], 2, /unknown option '--brokers'/],
      [['lag', '--no-such'], 2, /unknown option '--no-such'/],
      [['lag', 'too', 'many'], 2, /too many arguments/],
      [['lag'], 2, /which app\?/],
      [['lag', '--app', 'a b'], 2, /id 'a b'/],
      [['lag', '--app', 'x'], 2, /which cluster\?/],
      [['lag', '--app', 'x', '--brokers', 'nowhere'], 2, /brokers is a list of "nowhere"/],
      [['lag', '--app', 'x', '--brokers', 'a:1', '--timeout', '5'], 2, /whole number and its unit/],
      [['lag', '--app', 'x', '--config', '/no/such.json'], 2, /cannot be read/],
      [['describe', '--program', '/no/such.mjs'], 4, /no such file/],
      [['describe', '--app', 'x', '--format', 'pdf'], 2, /text, mermaid, json/],
      [['topics', 'check', '--app', 'x', '--brokers', 'a:1'], 2, /this needs your program/],
      [['lag', '--app', 'no-such-app', '--brokers', broker], 4, /there is no group 'no-such-app'/],
      [['describe', '--app', 'no-such-app', '--brokers', broker], 4, /nothing of an app 'no-such-app'/],
      [['topics', '--app', 'no-such-app', '--brokers', broker], 4, /has no topic/],
      [['lag', '--app', 'x', ...away], 5, /no answer from broker 127\.0\.0\.1:1 for \d s/],
    ])('%j ends with %d, a sentence and no stack', async (args, code, says) => {
      const end = await millrace(args)
      expect(end).toEqual({ code, stdout: '', stderr: expect.stringMatching(says) })
      expect(end.stderr).not.toMatch(/^\s+at /m)
    })

    it('ends at Ctrl-C while it waits for brokers', async () => {
      const waiting = startCommand(['lag', '--app', 'x', '--brokers', '127.0.0.1:1', '--timeout', '1h'])
      waiting.stderr.once('data', () => waiting.kill('SIGINT'))
      expect(await ended(waiting)).toMatchObject({
        code: 130,
        stdout: '',
        stderr: expect.stringMatching(/interrupted/),
      })
    })

    it.each<[args: readonly string[], says: RegExp]>([
      [['lag', '--no-such'], /^unknown option '--no-such'/],
      [['lag', '--interval', '5'], /whole number and its unit/],
      [['topcs'], /^unknown command 'topcs'/],
      [['dlq', 'drop', '--kind', 'a'], /^required option '--reason <text>' not specified/],
      [['state', 'get', 'order'], /^missing required argument 'key'/],
      [['dlq'], /./],
      [['lag'], /^which app\?/],
    ])('%j is told to programs as JSON, and as nothing else', async (args, says) => {
      const { code, stdout, stderr } = await millrace([...args, '--json'])
      expect([code, stdout]).toEqual([2, ''])
      expect(JSON.parse(stderr)).toEqual({ error: { code: 'usage', message: expect.stringMatching(says) } })
    })

    it('tells programs what is wrong as JSON, and never a password', async () => {
      const config = join(folder, 'config.json')
      const sasl = { mechanism: 'plain', username: 'me', password: 'canary-1' }
      writeFileSync(config, JSON.stringify({ brokers: ['127.0.0.1:1'], sasl, ssl: { pass: 'canary-2' }, extra: 1 }))
      const env = { MILLRACE_TOKEN: 'canary-3', MILLRACE_SASL_USERNAME: 'me', MILLRACE_SASL_PASSWORD: 'canary-4' }
      const end = await millrace(['lag', '--app', 'x', '--config', config, '--json', '--debug'], env)
      expect([end.code, JSON.parse(end.stderr.trim().split('\n').at(-1)!)]).toEqual([
        2,
        { error: { code: 'OPTIONS_INVALID', message: expect.stringContaining("no option 'extra'") } },
      ])
      writeFileSync(config, '{ "sasl": { "password": "canary-5" ')
      const broken = await millrace(['lag', '--app', 'x', '--config', config])
      const helped = await millrace(['lag', '--help'], env)
      expect(JSON.stringify([end, broken, helped])).not.toMatch(/canary/)
    })
  })
})
