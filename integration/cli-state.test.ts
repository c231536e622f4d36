import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text, topic } from 'millrace'
import { silentLogger } from '../lib/core/logger.js'
import { kafkaLog, type KafkaLog } from '../lib/kafka/kafka-log.js'
import { holdStores } from '../lib/store/level/held-stores.js'
import { until } from '../lib/testing/log-contract/rows.js'
import { ended, millrace, programs, startCommand, type Ended } from './cli/command.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const program = join(programs, 'stock.mjs')
const jsonLines = ({ stdout }: Ended): any[] =>
  stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
const json = ({ stdout }: Ended): any => JSON.parse(stdout)

interface Running {
  readonly url: string
  stop(): Promise<void>
}

describeWithKafka('the command millrace and what an app keeps', ([broker = '']) => {
  jest.setTimeout(180_000)
  let log: KafkaLog
  let folder: string
  let id: string
  const children = new Set<ChildProcess>()

  beforeAll(() => {
    log = kafkaLog({ brokers: [broker] }, { logger: silentLogger })
  })
  afterAll(() => log[Symbol.asyncDispose]())
  beforeEach(async () => {
    id = nextName('stock')
    folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
    await log.admin.create([{ name: `${id}.moves`, partitions: 2, replicationFactor: -1, configs: {} }])
  })
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
    return { STOCK: id, STOCK_BROKERS: broker, STOCK_DATA: join(folder, 'data'), ...more }
  }
  /** With nothing but the cluster and the name. */
  const bare = (...args: readonly string[]): Promise<Ended> => millrace([...args, '--brokers', broker, '--app', id])
  const withProgram = (...args: readonly string[]): Promise<Ended> => millrace([...args, '--program', program], env())
  const at = (url: string, ...args: readonly string[]): Promise<Ended> => bare(...args, '--url', url)

  async function start(more: NodeJS.ProcessEnv = {}): Promise<Running> {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, ...env(more) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    let said = ''
    child.stderr.on('data', (chunk) => (said += String(chunk)))
    const closed = once(child, 'close').finally(() => children.delete(child))
    const url = await Promise.race([
      once(child.stdout, 'data').then(([chunk]) => String(chunk).trim()),
      closed.then(() => Promise.reject(new Error(`the app has ended: ${said}`))),
    ])
    return {
      url,
      async stop() {
        child.kill('SIGTERM')
        await closed
      },
    }
  }

  const send = (...moves: readonly (readonly [item: string, qty: number] | string)[]): Promise<unknown> =>
    log.send(
      topic(`${id}.moves`, text()),
      moves.map((move) => (typeof move === 'string' ? move : JSON.stringify({ item: move[0], qty: move[1] }))),
      { key: (value) => /^\{"item":"([^"]*)"/.exec(value)?.[1] ?? 'broken' },
    )
  const quantity = async (item: string): Promise<number | undefined> => {
    const got = await bare('state', 'get', 'stock', item, '--json')
    return got.code === 0 ? json(got).value.qty : undefined
  }
  const becomes = (item: string, qty: number): Promise<void> => until(async () => (await quantity(item)) === qty)

  it('finds what is wrong and repairs it: letters, quarantine, replay, drop, release', async () => {
    let app = await start({ STOCK_BAD: 'bolt' })
    await send(['bolt', 1], ['nut', 5], ['bolt', 2], '{"item":\u001b[31m', '{"item":"x"}', ['__proto__', 4])
    await becomes('__proto__', 4)
    await becomes('nut', 5)
    await until(async () => jsonLines(await bare('dlq', 'ls', '--json')).length >= 4)

    const listed = await bare('dlq', 'ls')
    expect(listed.code).toBe(0)
    expect(listed.stdout).toMatch(/stock bolt +HANDLER_FAILED .*no place for 1 of bolt/)
    expect(listed.stdout).not.toContain('\u001b')
    const letters = jsonLines(await bare('dlq', 'ls', '--kind', 'stock', '--json'))
    expect(letters.map(({ status, key, number, code }: any) => [status, key, number, code])).toEqual([
      ['open', 'bolt', 1, 'HANDLER_FAILED'],
      ['open', 'bolt', 2, 'QUARANTINED'],
    ])
    expect(jsonLines(await bare('dlq', 'ls', '--limit', '1', '--json'))).toHaveLength(1)
    expect(jsonLines(await bare('dlq', 'ls', '--since', '2100-01-01', '--json'))).toEqual([])
    expect(
      jsonLines(await bare('dlq', 'ls', '--topic', `${id}.moves`, '--code', 'QUARANTINED', '--json')),
    ).toHaveLength(1)

    const [{ letter }] = letters
    const shown = await bare('dlq', 'show', letter)
    expect(shown.stdout).toMatch(/number +1 of its object/)
    expect(shown.stdout).toContain('{"item":"bolt","qty":1}')
    expect(shown.stdout).toMatch(/at .*stock\.mjs/)
    expect(json(await bare('dlq', 'show', letter, '--json'))).toMatchObject({
      record: { key: { text: 'bolt' }, value: { text: '{"item":"bolt","qty":1}' } },
    })
    expect(await bare('dlq', 'show', '0@999999')).toMatchObject({ code: 4, stdout: '' })
    expect(await bare('dlq', 'show', 'first')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/partition and offset/),
    })

    for (const asked of [bare('quarantine', 'ls', '--json'), at(app.url, 'quarantine', 'ls', '--json')])
      expect(jsonLines(await asked)).toMatchObject([{ kind: 'stock', key: 'bolt', code: 'HANDLER_FAILED', letters: 2 }])
    expect((await bare('quarantine', 'release', 'stock', 'nut')).code).toBe(4)

    // Not repaired yet: it only fails again.
    expect(json(await bare('dlq', 'replay', '--kind', 'stock', '--json'))).toMatchObject({
      executed: false,
      replayed: 2,
    })
    expect(jsonLines(await bare('quarantine', 'ls', '--json'))).toHaveLength(1)
    expect((await bare('dlq', 'replay', '--kind', 'other')).code).toBe(4)

    await app.stop()
    expect(await bare('quarantine', 'release', 'stock', 'bolt')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/is not running/),
    })
    app = await start()
    await send(['bolt', 4])
    await until(async () => jsonLines(await bare('dlq', 'ls', '--kind', 'stock', '--json')).length === 3)
    const dry = await bare('dlq', 'replay', '--kind', 'stock')
    expect(dry.stdout).toMatch(
      /nothing has been changed[^]*3 letters to be sent back to 1 object[^]*stock bolt[^]*--execute/,
    )
    expect(await bare('dlq', 'replay', '--kind', 'stock', '--execute')).toMatchObject({
      code: 0,
      stdout: '3 letters sent back to 1 object\n',
    })
    await becomes('bolt', 7)
    await until(async () => jsonLines(await bare('quarantine', 'ls', '--json')).length === 0)
    expect(jsonLines(await bare('dlq', 'ls', '--kind', 'stock', '--json'))).toEqual([])
    expect(jsonLines(await bare('dlq', 'ls', '--kind', 'stock', '--all', '--json'))).toHaveLength(3)

    const exported = jsonLines(await bare('dlq', 'export'))
    expect(exported.map(({ record }: any) => record.value.text).sort()).toEqual(['{"item":\u001b[31m', '{"item":"x"}'])
    const [broken] = exported.filter(({ record }: any) => record.value.text.includes('\u001b'))
    const only = ['--letter', broken.letter, '--reason', 'not JSON']
    expect((await bare('dlq', 'drop', '--reason', 'all of them')).code).toBe(2)
    expect((await bare('dlq', 'drop', ...only)).stdout).toMatch(/1 letter to be dropped/)
    expect(jsonLines(await bare('dlq', 'ls', '--json'))).toHaveLength(2)
    expect((await bare('dlq', 'drop', ...only, '--execute')).stdout).toMatch(/1 letter dropped/)
    const edit = join(folder, 'edit.mjs')
    writeFileSync(edit, `export default ({ record }) => ({ value: '{"item":"x","qty":9}' })`)
    expect((await bare('dlq', 'replay', '--topic', `${id}.moves`, '--edit', edit, '--execute')).stdout).toMatch(
      /1 record sent to its topic again, edited/,
    )
    await becomes('x', 9)
    expect((await bare('dlq', 'ls')).stdout).toBe('no open dead letters\n')
    expect((await withProgram('verify', '--url', app.url)).code).toBe(0)
    await app.stop()
  })

  it('tells what objects hold: from changelogs, with the program, and from the running app', async () => {
    const app = await start()
    const items = ['a', 'b', 'c', '__proto__', 'ключ', '..', 'with | space']
    await send(...items.map((item) => [item, 1] as const), ['large', 1e300])
    for (const item of [...items, 'large']) await until(async () => (await quantity(item)) !== undefined)

    const got = json(await bare('state', 'get', 'stock', 'a', '--json'))
    expect(got).toEqual({
      kind: 'stock',
      key: 'a',
      version: 1,
      task: expect.any(Number),
      offset: expect.any(Number),
      value: { qty: 1 },
    })
    for (const item of items) {
      expect(json(await at(app.url, 'state', 'get', 'stock', item, '--json'))).toMatchObject({
        key: item,
        value: { qty: 1 },
      })
    }
    expect(json(await bare('state', 'get', 'busy', 'a', '--json')).value).not.toEqual({ moves: 1 })
    expect(json(await withProgram('state', 'get', 'busy', 'a', '--json')).value).toEqual({ moves: 1 })
    expect(json(await at(app.url, 'state', 'get', 'busy', 'a', '--json')).value).toEqual({ moves: 1 })

    const sorted = [...items, 'large'].sort()
    const listed = jsonLines(await bare('state', 'ls', 'stock', '--json')).map(({ key }) => key)
    expect(listed).toEqual(sorted)
    const page = await bare('state', 'ls', 'stock', '--limit', '2', '--after', 'a', '--json')
    expect(jsonLines(page).map(({ key }) => key)).toEqual(sorted.filter((key) => key > 'a').slice(0, 2))
    expect(page.stderr).toMatch(/there are more: --after 'c'/)
    expect(
      jsonLines(await at(app.url, 'state', 'ls', 'stock', '--prefix', 'c', '--json')).map(({ key }) => key),
    ).toEqual(['c'])
    expect((await bare('state', 'ls')).stdout).toBe('busy\ndaily\nstock\n')
    const [day] = jsonLines(await bare('state', 'ls', 'daily', '--prefix', 'a|', '--json'))
    expect(json(await bare('state', 'get', 'daily', day.key, '--json')).value).toEqual({ qty: 1 })
    const dumps = [await bare('state', 'dump', 'stock'), await at(app.url, 'state', 'dump', 'stock')]
    for (const dump of dumps)
      expect(new Map(jsonLines(dump).map(({ key, value }) => [key, value.qty]))).toEqual(
        new Map([...items.map((item) => [item, 1] as const), ['large', 1e300]]),
      )

    for (const more of [[], ['--url', app.url]]) {
      const watching = startCommand(['state', 'watch', 'stock', 'b', '--brokers', broker, '--app', id, ...more])
      const end = ended(watching)
      const first = once(watching.stdout, 'data')
      // Whenever it has begun to watch, there is one to come.
      const feeding = setInterval(() => void send(['a', 1], ['b', 1]).catch(() => undefined), 200)
      const [change] = (await first) as [Buffer]
      clearInterval(feeding)
      expect(JSON.parse(String(change).split('\n')[0] ?? '')).toMatchObject({
        kind: 'stock',
        key: 'b',
        value: { qty: expect.any(Number) },
      })
      watching.kill('SIGINT')
      expect((await end).code).toBe(130)
    }

    const wrong: readonly (readonly [Promise<Ended>, number, RegExp])[] = [
      [bare('state', 'get', 'stock', 'nothing'), 4, /there is no stock 'nothing'/],
      [at(app.url, 'state', 'get', 'stock', 'nothing'), 4, /there is no stock 'nothing'/],
      [bare('state', 'get', 'shares', 'a'), 4, /no kind 'shares': there are: busy, daily, stock/],
      [at(app.url, 'state', 'get', '__proto__', 'a'), 4, /__proto__/],
      [bare('state', 'get', 'stock', '\u001b[2J'), 4, /'\\u001b\[2J'/],
      [millrace(['state', 'ls', 'stock', '--brokers', broker, '--app', `${id}x`]), 4, /never ran here/],
      [at('http://127.0.0.1:1', 'state', 'get', 'stock', 'a'), 5, /does not answer/],
      [
        millrace(['state', 'ls', 'stock', '--brokers', '127.0.0.1:1', '--app', id, '--timeout', '3s']),
        5,
        /127\.0\.0\.1:1/,
      ],
    ]
    for (const [asked, code, says] of wrong) {
      const end = await asked
      expect([end.code, end.stderr]).toEqual([code, expect.stringMatching(says)])
      expect(end.stderr).not.toMatch(/\n {4}at /)
      expect(end.stderr).not.toContain('\u001b')
    }
    await app.stop()
  })

  it('resets: offsets, state, local stores; the app begins anew, with nothing of before', async () => {
    let app = await start()
    await send(['a', 1], ['a', 2], ['b', 5])
    await becomes('a', 3)
    await becomes('b', 5)
    const refused = await bare('reset', '--execute')
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/is running: .*127\.0\.0\.1/)])
    await app.stop()

    const dry = json(await bare('reset', '--data-dir', join(folder, 'data'), '--json'))
    expect(dry).toMatchObject({ executed: false, kept: [`${id}-dlq`] })
    expect(dry.deleted).toHaveLength(7)
    expect(dry.stores.length).toBeGreaterThan(0)
    expect(dry.offsets.map(({ topic, to }: any) => [topic, to])).toEqual([0, 1].map(() => [`${id}.moves`, 0]))
    expect(await quantity('a')).toBe(3)

    const done = await bare('reset', '--data-dir', join(folder, 'data'), '--execute')
    expect(done.stdout).toMatch(/is reset[^]*Topics deleted[^]*-stock-changelog/)
    expect(await log.admin.list(`${id}-`)).toEqual([`${id}-dlq`])
    await using stores = await holdStores(join(folder, 'data'), id)
    expect(stores.stores).toEqual([])
    await stores[Symbol.asyncDispose]()
    app = await start()
    // Not twice as much: it has read all of it once, from nothing.
    await becomes('a', 3)
    await becomes('b', 5)
    expect((await withProgram('verify', '--url', app.url)).code).toBe(0)
    await app.stop()

    // Local stores are left where they are: they are of another life, and that is found out.
    const now = new Date().toISOString()
    expect(
      (await withProgram('reset', '--to-time', now, '--execute', '--data-dir', join(folder, 'elsewhere'))).code,
    ).toBe(0)
    app = await start()
    await send(['a', 10])
    await becomes('a', 10)
    expect(await quantity('b')).toBeUndefined()
    await app.stop()

    expect((await bare('reset', '--keep-state', '--shift-by', '-1', '--topics', `${id}.moves`, '--execute')).code).toBe(
      0,
    )
    app = await start()
    await becomes('a', 20)
    await app.stop()

    const wrong: readonly (readonly [Promise<Ended>, number, RegExp])[] = [
      [millrace(['reset', '--brokers', broker, '--app', `${id}x`]), 4, /there is no app/],
      [bare('reset', '--to-latest', '--to-earliest'), 2, /give one of/],
      [bare('reset', '--to-time', 'yesterday'), 2, /2026-01-31T12:00:00Z/],
      [bare('reset', '--by-duration', '-1h'), 2, /whole number and its unit/],
      [bare('reset', '--topics', `${id}.other`), 4, /no topic/],
      [withProgram('reset', '--topics', `${id}.levels`), 2, /does not read/],
    ]
    for (const [asked, code, says] of wrong) {
      const end = await asked
      expect([end.code, end.stderr]).toEqual([code, expect.stringMatching(says)])
    }
    expect((await bare('reset', '--dead-letters', '--execute')).code).toBe(0)
    expect(await log.admin.list(`${id}-`)).toEqual([])
  })

  it('verifies: what was damaged on purpose is found, in stores and in published rows', async () => {
    const app = await start()
    await send(['a', 1], ['b', 2], ['c', 3])
    for (const [item, qty] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const)
      await becomes(item, qty)
    const fine = await withProgram('verify', '--url', app.url, '--json')
    expect([fine.code, json(fine)]).toEqual([
      0,
      expect.objectContaining({ compared: { store: 0, live: 9, row: 3 }, differencesInAll: 0 }),
    ])
    const data = join(folder, 'data')
    expect(await bare('verify', '--data-dir', data)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/alive has them open/),
    })
    await app.stop()
    const stopped = await withProgram('verify', '--data-dir', data, '--json')
    expect([stopped.code, json(stopped).compared]).toEqual([0, { store: expect.any(Number), live: 0, row: 3 }])
    expect(json(stopped).compared.store).toBeGreaterThanOrEqual(9)

    {
      await using held = await holdStores(data, id)
      for (const stopped of held.stores) {
        const store = await held.open(stopped)
        if (store.get('stock\0a') !== undefined) {
          const batch = store.batch()
          batch.put('stock\0a', '{"qty":100}')
          await batch.write({ sync: false })
        }
        await store.close()
      }
    }
    await log.send(topic(`${id}.levels`, text()), ['{"item":"b","qty":200}'], { key: () => 'b' })
    await log.send(topic(`${id}.levels`, text()), [null], { key: () => 'c' })
    const found = await withProgram('verify', '--data-dir', data, '--json')
    expect(found.code).toBe(1)
    expect(json(found)).toMatchObject({ differencesInAll: 3 })
    const differences = json(found).differences.map(({ in: where, is, key, expected, found }: any) => [
      where,
      is,
      key,
      expected,
      found,
    ])
    expect(differences).toEqual(
      expect.arrayContaining([
        ['store', 'other', 'a', '{"qty":1}', '{"qty":100}'],
        ['row', 'other', 'b', '{"item":"b","qty":2}', '{"item":"b","qty":200}'],
        ['row', 'missing', 'c', '{"item":"c","qty":3}', undefined],
      ]),
    )
    expect((await withProgram('verify')).stdout).toMatch(/2 differences:\n.*\nrow +other/)
    expect((await bare('verify')).code).toBe(2)
    expect((await bare('verify', '--data-dir', folder)).code).toBe(4)
  })
})
