import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { bytes, kafkaLog } from 'millrace'
import { factsIn } from '../lib/turn/failing/letter.js'
import { headersSize, writeHeaders } from '../lib/log/format/record-headers.js'
import { nextName } from './names.js'
import { paymentsOf, tables, type Payment } from './postgres/payments.js'
import { OwnPostgres } from './setup/own-postgres.js'
import { describeWithKafka } from './setup/with-kafka.js'

const program = join(process.cwd(), 'build', 'integration', 'postgres', 'main.js')

describeWithKafka('a sink that keeps its offset in PostgreSQL, in the transaction of its rows', (brokers) => {
  const app = nextName('ledger')
  const topic = paymentsOf(app)
  const sent: Payment[] = []
  const running: ChildProcess[] = []
  let database: OwnPostgres
  let log: ReturnType<typeof kafkaLog>
  let dir: string
  let errors = ''

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-ledger-'))
    log = kafkaLog({ brokers })
    database = await OwnPostgres.start()
    await query(tables)
  }, 60_000)
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL')
    await log[Symbol.asyncDispose]()
    await database.remove()
    rmSync(dir, { recursive: true, force: true })
  }, 60_000)

  it('has each payment once, whatever is killed, cut or refused', async () => {
    const a = await start('a')
    const b = await start('b')
    await send(2_000)
    await untilRows(500)
    await kill(a)
    await send(1_000)
    await cutConnections()
    const c = await start('c')
    await send(1_000)
    await database.kill()
    await send(1_000)
    await database.start()
    await untilRows(4_000)
    await stop(b)
    await send(1_000)
    await untilRows(good().length)
    await stop(c)

    expect(await rows()).toEqual(ordered(good()))
    expect(new Set(await letters())).toEqual(new Set(sent.filter(isPoison).map(({ id }) => id)))
    expect(errors).not.toMatch(/unhandled|the app stops/i)
  }, 240_000)

  const isPoison = ({ cents }: Payment): boolean => cents <= 0
  const good = (): readonly Payment[] => sent.filter((payment) => !isPoison(payment))
  const ordered = (payments: readonly Payment[]): readonly string[] =>
    payments.map(({ id, account, cents }) => `${id} ${account} ${cents}`).sort()

  async function send(count: number): Promise<void> {
    const payments = Array.from({ length: count }, (_, i): Payment => {
      const n = sent.length + i
      return { id: `p${n}`, account: `account ${n % 50}`, cents: n % 250 === 7 ? -1 : n + 1 }
    })
    await log.send(topic, payments, { key: ({ account }) => account })
    sent.push(...payments)
  }

  async function start(name: string): Promise<ChildProcess> {
    const args = {
      brokers: brokers.join(','),
      app,
      url: database.url,
      'data-dir': join(dir, name),
      'session-timeout': '6s',
    }
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', program, ...Object.entries(args).map(([option, value]) => `--${option}=${value}`)],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    running.push(child)
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const [line] = (await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => ['it has ended']),
    ])) as [Buffer]
    if (String(line).trim() !== 'ready') throw new Error(`${String(line)}\n${errors}`)
    return child
  }

  async function kill(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async function stop(child: ChildProcess): Promise<void> {
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`it ended with ${code}\n${errors}`)
  }

  async function query(sql: string): Promise<readonly Record<string, string>[]> {
    const db = new pg.Client({ connectionString: database.url })
    db.on('error', () => undefined)
    await db.connect()
    try {
      return (await db.query<Record<string, string>>(sql)).rows
    } finally {
      await db.end()
    }
  }

  async function cutConnections(): Promise<void> {
    await query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = current_user',
    )
  }

  async function rows(): Promise<readonly string[]> {
    const found = await query('select id, account, cents from payments')
    return found.map(({ id, account, cents }) => `${id} ${account} ${cents}`).sort()
  }

  async function untilRows(count: number): Promise<void> {
    for (;;) {
      const [found] = await query('select count(*) as rows from payments')
      if (Number(found?.rows) >= count) return
      await sleep(100)
    }
  }

  /** Ids of payments in dead letters of the sink that PostgreSQL refused. */
  async function letters(): Promise<readonly string[]> {
    const ids: string[] = []
    for await (const { value, record } of log.read({ name: `${app}-dlq`, codec: bytes() })) {
      const section = Buffer.alloc(headersSize(record.headers))
      writeHeaders(section, 0, record.headers)
      const facts = factsIn(section)
      if (facts?.code === 'SINK_REFUSED' && facts.message?.includes('payments_cents_check') === true)
        ids.push((JSON.parse(Buffer.from(value!).toString()) as Payment).id)
    }
    return ids
  }
})
