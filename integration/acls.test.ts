import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
  type AclEntry,
  type Admin,
} from 'kafkajs'
import { createApp, lookup, stateObject, text, topic, type App, type Topic } from 'millrace'
import { z } from 'zod'
import { aclsOf } from '../lib/cli/topics/acls.js'
import { silentLogger, type Logger } from '../lib/core/logger.js'
import { PositionMap } from '../lib/core/record.js'
import { batchOf, settled, until } from '../lib/testing/log-contract/rows.js'
import { kafkaLog } from '../lib/kafka/kafka-log.js'
import type { KafkaOptions } from '../lib/kafka/connection/options.js'
import { millrace } from './cli/command.js'
import { nextName } from './names.js'
import { describeWithSecureKafka } from './setup/with-secure-kafka.js'

const { READ, WRITE, CREATE, DELETE } = AclOperationTypes
const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes
const { LITERAL, PREFIXED } = ResourcePatternTypes

/** What an app may touch. */
interface Names {
  readonly app: string
  readonly lines: Topic<string>
  readonly names: Topic<string>
  readonly copies: Topic<string>
}

type Permission = readonly [resource: AclResourceTypes, pattern: ResourcePatternTypes, name: string, AclOperationTypes]

const resources = { topic: TOPIC, group: GROUP, 'transactional-id': TRANSACTIONAL_ID }
const patterns = { literal: LITERAL, prefixed: PREFIXED }
const operationTypes = { Read: READ, Write: WRITE, Create: CREATE, Delete: DELETE }

/** As `millrace topics acls` and docs/operations.md list them: `Read on a source`. */
function documented({ app, lines, names, copies }: Names): Readonly<Record<string, Permission>> {
  const needs = { app, reads: [lines.name], lookups: [names.name], writes: [copies.name], sources: [], sinks: [] }
  const acls = aclsOf({ ...needs, isExactlyOnce: true, makesTopics: false })
  return Object.fromEntries(
    acls.flatMap(({ on, resource, pattern, name, operations }) =>
      operations.map((operation): [string, Permission] => [
        `${operation} on ${on}`,
        [resources[resource], patterns[pattern], name, operationTypes[operation]],
      ]),
    ),
  )
}

/** What is said where one is missing. */
const said: readonly (readonly [missing: string, says: (names: Names) => string])[] = [
  ['Read on a source', ({ lines }) => `Describe (which Read and Write include) on topic '${lines.name}'`],
  ['Read on a lookup topic', ({ names }) => `Describe (which Read and Write include) on topic '${names.name}'`],
  ['Write on an output', ({ copies }) => `Describe (which Read and Write include) on topic '${copies.name}'`],
  ['Read on its own topics', ({ app }) => `Read on topic '${app}-`],
  ['Write on its own topics', ({ app }) => `Write on topic '${app}-`],
  ['Create on its own topics', ({ app }) => `Create on topic '${app}-`],
  ['Read on its group', ({ app }) => `Read on group '${app}'`],
  ['Write on its transactional ids', ({ app }) => `Write on transactional id '${app}:`],
]

describeWithSecureKafka('an app with a user that may do little', (kafka) => {
  jest.setTimeout(60_000)
  let admin: Admin
  let limited: KafkaOptions
  let names: Names
  let folder: string
  let warnings: string[]
  const apps: App[] = []

  beforeAll(async () => {
    admin = new Kafka({ brokers: [kafka().plaintext], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    limited = {
      brokers: [kafka().sasl],
      ssl: { ca: [kafka().pem('ca.crt')] },
      sasl: { mechanism: 'plain', ...kafka().users.limited },
    }
  })
  afterAll(() => admin.disconnect())
  beforeEach(async () => {
    const app = nextName('acl')
    names = {
      app,
      lines: topic(nextName('lines'), text()),
      names: topic(nextName('names'), text()),
      copies: topic(nextName('copies'), text()),
    }
    folder = mkdtempSync(join(tmpdir(), 'millrace-acls-'))
    warnings = []
    await using log = kafkaLog({ brokers: [kafka().plaintext] }, { logger: silentLogger })
    const all = [names.lines, names.names, names.copies].map(({ name }) => name)
    await log.admin.create(all.map((name) => ({ name, partitions: 2, replicationFactor: -1, configs: {} })))
    await log.send(names.lines, ['a', 'b', 'c', 'd', 'a'])
    await log.send(names.names, ['Ada'], { key: () => 'a' })
  })
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  /** Every line hops by its text, which no partition follows from. */
  const objectOf = ({ lines, names: known, copies }: Names, emits: readonly Topic<string>[] = [copies]) => {
    const table = lookup(known)
    const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), emits }).on(
      lines,
      { key: (line) => line, route: 'shuffle' },
      (state, line, turn) => {
        state.n++
        turn.emit(copies, `${turn.lookup(table, line) ?? line} ${state.n}`)
      },
    )
    return { counter, table }
  }
  const newApp = (
    guarantee: 'exactly-once' | 'at-least-once' = 'exactly-once',
    emits: readonly Topic<string>[] = [names.copies],
  ): App => {
    const { counter, table } = objectOf(names, emits)
    const note: Logger['warn'] = (_, message) => void warnings.push(message ?? '')
    const app = createApp({
      id: names.app,
      objects: [counter],
      lookups: [table],
      kafka: limited,
      guarantee,
      dataDir: join(folder, nextName('disk')),
      sessionTimeout: 3_000,
      logger: { ...silentLogger, warn: note },
    })
    app.closed().catch(() => undefined)
    apps.push(app)
    return app
  }
  const grant = async (but: readonly string[] = []): Promise<void> => {
    const granted = Object.entries(documented(names)).filter(([name]) => !but.includes(name))
    const acl = granted.map(([, [resourceType, resourcePatternType, resourceName, operation]]): AclEntry => ({
      resourceType,
      resourcePatternType,
      resourceName,
      operation,
      principal: `User:${kafka().users.limited.username}`,
      host: '*',
      permissionType: AclPermissionTypes.ALLOW,
    }))
    await admin.createAcls({ acl })
  }
  const allow = async (
    resourceType: AclResourceTypes,
    resourceName: string,
    operation: AclOperationTypes,
  ): Promise<void> => {
    const who = { principal: `User:${kafka().users.limited.username}`, host: '*' }
    const entry = { resourceType, resourcePatternType: LITERAL, resourceName, operation, ...who }
    await admin.createAcls({ acl: [{ ...entry, permissionType: AclPermissionTypes.ALLOW }] })
  }
  const copied = async (): Promise<readonly (string | null)[]> => {
    await using log = kafkaLog({ brokers: [kafka().plaintext] }, { logger: silentLogger })
    const values: (string | null)[] = []
    for await (const { value } of log.read(names.copies)) values.push(value)
    return values.sort()
  }
  const counts = ['Ada 1', 'Ada 2', 'b 1', 'c 1', 'd 1']

  it('runs with exactly what is documented: several processes, hops, lookups, outputs, a restore, trimmed inboxes', async () => {
    await grant()
    const [first, second] = [newApp(), newApp()]
    await Promise.all([first.start(), second.start()])
    await Promise.all([first.drained(), second.drained()])
    await Promise.all([first.close(), second.close()])
    const third = newApp()
    await third.start()
    await third.drained()
    expect(third.stats().restoredRecords).toBe(4)
    expect(await copied()).toEqual(counts)
    expect(warnings).toEqual([])
    await using log = kafkaLog(limited, { logger: silentLogger })
    const inbox = { topic: `${names.app}-counter-inbox`, partition: 0 }
    await log.admin.trim(PositionMap.of([[inbox.topic, 0, 1]]).topics)
    expect((await log.admin.startOffsets([inbox])).get(inbox.topic)?.get(0)).toBe(1)
  })

  it('runs at least once without a permission on transactional ids', async () => {
    await grant(['Write on its transactional ids'])
    const app = newApp('at-least-once')
    await app.start()
    await app.drained()
    expect(await copied()).toEqual(counts)
    expect(warnings).toEqual([])
  })

  it.each(said)('does not run without %s, and says what to grant, and where', async (missing, says) => {
    await grant([missing])
    const failureOf = async (app: App): Promise<unknown> =>
      app
        .start()
        .then(() => app.drained())
        .catch((error: unknown) => error)
    const said = `Grant ${says(names)}`
    let failure = await failureOf(newApp())
    // A broker may hear of what was granted a moment after it has said so.
    for (let tries = 0; tries < 20 && !String(failure).includes(said); tries++) failure = await failureOf(newApp())
    expect(String(failure)).toContain(said)
    expect(failure).toMatchObject({ code: 'NOT_AUTHORIZED' })
  })

  it('has turns fail that emit where it may not, when that is not declared, and goes on when it is granted', async () => {
    await grant(['Write on an output'])
    const app = newApp('exactly-once', [])
    await app.start()
    expect(await app.drained()).toEqual({ waiting: 5 })
    expect(app.health()).toMatchObject({ state: 'running' })
    await allow(TOPIC, names.copies.name, AclOperationTypes.WRITE)
    await until(async () => (await app.drained()).waiting === 0)
    expect(await copied()).toEqual(counts)
  })

  it('says so too when it may look at an output and not write to it', async () => {
    await grant(['Write on an output'])
    await allow(TOPIC, names.copies.name, AclOperationTypes.DESCRIBE)
    const app = newApp()
    await app.start()
    await expect(app.closed()).rejects.toMatchObject({
      code: 'NOT_AUTHORIZED',
      message: expect.stringContaining(`Grant Write on topic '${names.copies.name}'`),
    })
  })

  it('sees which producer holds a source by an open transaction, and its transactional id once it may', async () => {
    await grant()
    await using owner = kafkaLog({ brokers: [kafka().plaintext] }, { logger: silentLogger })
    await using log = kafkaLog(limited, { logger: silentLogger })
    const at = { topic: names.lines.name, partition: 0 }
    const offset = (await owner.admin.endOffsets([at], 'all')).get(at.topic)?.get(0) as number
    const id = nextName('billing')
    await using foreign = await owner.transactions({ id, timeoutMs: 60_000 })
    await foreign.begin([at], undefined)
    await foreign.append(at, batchOf(['open']))

    const held = [{ ...at, offset }]
    const [open] = await log.admin.openTransactions(held)
    expect(open).toEqual({ ...at, startOffset: offset, producer: expect.objectContaining({ producerEpoch: 0 }) })
    expect(open?.producer).not.toHaveProperty('transactionalId')
    await allow(TRANSACTIONAL_ID, id, AclOperationTypes.DESCRIBE)
    await until(async () => (await log.admin.openTransactions(held))[0]?.producer?.transactionalId === id)
    await foreign.abort()
  })

  it('knows that a source is held, and not by whom, where it may not ask for producers', async () => {
    await allow(TOPIC, names.lines.name, AclOperationTypes.DESCRIBE)
    await using owner = kafkaLog({ brokers: [kafka().plaintext] }, { logger: silentLogger })
    await using log = kafkaLog(limited, { logger: silentLogger })
    const at = { topic: names.lines.name, partition: 0 }
    const offset = (await owner.admin.endOffsets([at], 'all')).get(at.topic)?.get(0) as number
    await using foreign = await owner.transactions({ id: nextName('billing'), timeoutMs: 60_000 })
    await foreign.begin([at], undefined)
    await foreign.append(at, batchOf(['open']))
    expect(await log.admin.openTransactions([{ ...at, offset }])).toEqual([{ ...at, startOffset: offset }])
    await foreign.abort()
    await settled(owner, at)
    expect(await log.admin.openTransactions([{ ...at, offset }])).toEqual([])
  })

  it('says what is missing for inboxes to be trimmed', async () => {
    await grant(['Delete on its own topics'])
    const app = newApp()
    await app.start()
    await app.drained()
    expect(await copied()).toEqual(counts)
    await using log = kafkaLog(limited, { logger: silentLogger })
    const inbox = `${names.app}-counter-inbox`
    await expect(log.admin.trim(PositionMap.of([[inbox, 0, 1]]).topics)).rejects.toMatchObject({
      code: 'NOT_AUTHORIZED',
      message: expect.stringContaining(`Grant Delete on topic '${inbox}'`),
    })
  })

  it('has the command say what is missing, with its exit code for that, and connect as its file says', async () => {
    const { sasl } = limited
    writeFileSync(join(folder, 'ca.pem'), kafka().pem('ca.crt'))
    const config = join(folder, 'config.json')
    writeFileSync(config, JSON.stringify({ brokers: limited.brokers, ssl: { caFile: 'ca.pem' }, sasl }))
    const asked = ['lag', '--app', names.app, '--config', config]
    const refused = await millrace(asked)
    expect(refused).toMatchObject({ code: 6, stdout: '', stderr: expect.stringContaining(`group '${names.app}'`) })

    await grant()
    const app = newApp()
    await app.start()
    await app.drained()
    const allowed = await millrace(asked)
    expect(allowed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^left out: .*\n$/) })
    expect(allowed.stdout).toMatch(new RegExp(`^${names.app}: lag 0$`, 'm'))

    const { password } = sasl as unknown as { readonly password: string }
    writeFileSync(
      config,
      JSON.stringify({ brokers: limited.brokers, ssl: { caFile: 'ca.pem' }, sasl: { ...sasl, password: 'wrong-one' } }),
    )
    const wrong = await millrace([...asked, '--debug'])
    expect(wrong.code).toBe(1)
    expect(JSON.stringify([refused, allowed, wrong])).not.toMatch(new RegExp(`wrong-one|${password}`))
  })
})
