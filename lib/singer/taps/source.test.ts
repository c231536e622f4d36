import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Opened, shownRecords } from '../../../test/singer/opened.js'
import { isAlive, Programs, textOf, until } from '../../../test/singer/program.js'
import { singerSource, type SingerSourceOptions, type TapPosition } from '../index.js'

const programs = new Programs()
const opened: Opened[] = []
let count = 0

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
})
afterAll(() => programs.remove())

function open(source: string, options: Partial<SingerSourceOptions> = {}, position?: TapPosition): Opened {
  const program = programs.write(`tap-${count++}`, source)
  const one = new Opened(singerSource({ ...program, every: 0, stopTimeout: 300, ...options }), position)
  opened.push(one)
  return one
}

/** What the iteration throws. */
async function failure(one: Opened): Promise<string> {
  try {
    for (;;) await one.next()
  } catch (error) {
    return String((error as Error).message)
  }
}

describe('a program as a source', () => {
  it('gives records up to a STATE with that STATE, and those behind the last one when it has ended', async () => {
    const batches = await open(`
      out({ type: 'SCHEMA', stream: 's', schema: {}, key_properties: [] })
      record({ id: 1 }); record({ id: 2 }); state({ at: 2 }); record({ id: 3 })`).run()
    expect(shownRecords(batches)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
    const [first] = batches
    expect(first?.position).toEqual({ state: { at: 2 } })
    expect(first?.records.map(({ at }) => at)).toEqual([
      expect.stringMatching(/tap-\d+\.cjs line 2$/),
      expect.stringMatching(/line 3$/),
    ])
    expect(batches.at(-1)?.position).toEqual({ state: { at: 2 }, endedAt: expect.any(Number) })
  })

  it('is handed its last STATE, its config and its catalog in files that are gone afterwards', async () => {
    const one = open(
      `record({ state: given('--state'), config: given('--config'), catalog: given('--properties') })
       record({ mode: fs.statSync(process.argv[process.argv.indexOf('--config') + 1]).mode & 0o777 })
       record({ path: process.argv[process.argv.indexOf('--config') + 1] })`,
      { config: { a: 1 }, catalog: { streams: [] }, catalogFlag: '--properties' },
      { state: { at: 7 } },
    )
    const [seen, mode, { path }] = shownRecords(await one.run()) as [unknown, unknown, { path: string }]
    expect(seen).toEqual({ state: { at: 7 }, config: { a: 1 }, catalog: { streams: [] } })
    expect(mode).toEqual({ mode: 0o600 })
    await one.close()
    expect(existsSync(path)).toBe(false)
  })

  it('is started again with its last STATE when it has ended, unless it is to run once', async () => {
    const source = `const from = given('--state') ?? 0; record({ id: from + 1 }); state(from + 1)`
    const again = open(source)
    expect(shownRecords([...(await again.run()), ...(await again.run())])).toEqual([{ id: 1 }, { id: 2 }])

    const once = open(source, { once: true, every: undefined as never })
    const [last] = (await once.run()).slice(-1)
    const next = once.iterator.next()
    expect(await Promise.race([next, sleep(300, 'nothing')])).toBe('nothing')
    await once.close()
    expect((await next).done).toBe(true)

    const later = open(source, { once: true, every: undefined as never }, last?.position)
    const none = later.iterator.next()
    expect(await Promise.race([none, sleep(300, 'nothing')])).toBe('nothing')
  })

  it('takes the digits of numbers as they were written, and the time of extraction', async () => {
    const [{ records }] = (await open(
      `raw('{"time_extracted":"2026-01-02T03:04:05.123456Z","record":{"id":12345678901234567890},"stream":"s","type":"record"}\\r\\n')`,
    ).run()) as [{ records: { bytes: Buffer; timestamp: number }[] }]
    expect(records[0]?.bytes.toString()).toBe('{"id":12345678901234567890}')
    expect(records[0]?.timestamp).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 123))
  })

  it('makes values and ids of records, and refuses those of which that throws or whose numbers would be others', async () => {
    const batches = await open(
      `record({ id: 1 }); record({}); raw('{"type":"RECORD","stream":"s","record":{"id":12345678901234567}}\\n')`,
      {
        value: ({ id }, { stream }) => {
          if (id === undefined) throw new Error('no id')
          return { id, stream }
        },
        id: ({ id }) => JSON.stringify(id),
      },
    ).run()
    expect(shownRecords(batches)).toEqual([
      { id: 1, stream: 's' },
      { refused: expect.stringContaining('no id') },
      { refused: expect.stringContaining('12345678901234567 is more than') },
    ])
  })

  it('refuses records whose ids would be those of others, since their numbers have more digits than JavaScript holds', async () => {
    const ids = ['9007199254740992', '9007199254740993', '9007199254740994']
    const source = ids.map((id) => `raw('{"type":"RECORD","stream":"s","record":{"id":${id},"n":1}}\\n')`).join(';')
    const { records } = (await open(source, { id: ({ id }) => `order ${String(id as number)}` }).run()).at(-1)!
    expect(records.map(({ id, refused }) => id ?? refused)).toEqual([
      'order 9007199254740992',
      expect.stringContaining('9007199254740993 is more than'),
      'order 9007199254740994',
    ])
    const others = await open(source, { id: ({ n }) => String(n as number) }).run()
    expect(others.at(-1)!.records.map(({ id }) => id)).toEqual(['1', '1', '1'])
  })

  it('commits records as they come where they need not wait for a STATE', async () => {
    const one = open(`record({ id: 1 }); forever()`, { beforeState: 'commit' }, { state: 5 })
    expect(await one.next()).toMatchObject({ records: [{}], position: { state: 5 } })
  })

  it('is told on its stdin which STATE is committed, where it wants that', async () => {
    const one = open(
      `record({ id: 1 }); state(7)
       process.stdin.once('data', (line) => { record({ heard: JSON.parse(line) }); process.exit() })`,
      { commitsToStdin: true },
    )
    const { records, position, ack } = await one.next()
    expect([records.length, position]).toEqual([1, undefined])
    await ack?.(new Map())
    expect(shownRecords([await one.next()])).toEqual([{ heard: { type: 'STATE', value: 7 } }])
  })

  it('logs what it says on stderr, at a bounded rate and without secrets', async () => {
    const one = open(
      `console.error('the token is', process.env.API_TOKEN, given('--config').password); console.error('x'.repeat(100_000))
       for (let i = 0; i < 5_000; i++) console.error('line', i)`,
      { env: { API_TOKEN: 'abcdef' }, config: { password: 'hunter2' } },
    )
    await one.run()
    await one.close()
    expect(one.lines[0]).toMatchObject({ level: 'info', text: 'the token is *** ***' })
    expect(one.lines[1]?.text).toHaveLength(2_000)
    expect(one.lines.length).toBeLessThan(110)
    expect(one.lines.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^4\d\d\d more lines/))
    expect(JSON.stringify(one.lines)).not.toMatch(/abcdef|hunter2/)
  })

  it.each<[string, Record<string, string>, string]>([
    ['of several lines', { private_key: '-----BEGIN-----\ncanary1\ncanary2\n-----END-----' }, 'c.private_key'],
    ['in JSON', { password: 'can"ary\u20281' }, 'JSON.stringify(c)'],
    ['in a url', { password: 'can/ary 1' }, 'encodeURIComponent(c.password)'],
    ['of a url', { database: 'postgres://app:canary1@db/x' }, `new URL(c.database).password`],
    ['of a url, which is whole', { database: 'postgres://app:canary1@db/x' }, `c.database`],
    [
      'of a url, decoded',
      { database: 'postgres://app:can%61ry1@db/x' },
      `decodeURIComponent(new URL(c.database).password)`,
    ],
  ])('does not log secrets %s', async (_what, config, said) => {
    const one = open(`const c = given('--config'); console.error(${said}); console.error('end')`, { config })
    await one.run()
    expect(one.lines.at(-1)?.text).toBe('end')
    expect(JSON.stringify(one.lines)).not.toMatch(/canary|can.+ary/)
  })

  it('waits when nobody takes what it gives', async () => {
    const path = programs.path('written')
    const one = open(`
      let bytes = 0
      const more = () => { for (let i = 0; i < 1_000; i++) bytes += process.stdout.write(line) ? line.length : 0
        fs.writeFileSync(${JSON.stringify(path)}, String(process.stdout.writableLength))
        if (process.stdout.writableLength < 1e6) setImmediate(more) }
      const line = JSON.stringify({ type: 'RECORD', stream: 's', record: { text: 'x'.repeat(1_000) } }) + '\\n' + JSON.stringify({ type: 'STATE', value: 1 }) + '\\n'
      more()`)
    await one.next()
    const waiting = await until('its writes wait', () => Number(textOf(path)) > 1e6 && Number(textOf(path)))
    expect(waiting).toBeLessThan(8e6)
    await one.next()
  })
})

describe('a bad line', () => {
  const good = `record({ id: 2 })`
  it.each([
    ['text', `raw('Traceback, most recent call last\\n')`, 'no JSON object'],
    ['half a record', `raw('{"type":"RECORD","stream":"s","rec\\n')`, 'no JSON object'],
    ['two objects', `raw('{"type":"STATE","value":1} {}\\n')`, 'no JSON object'],
    ['a list', `raw('[1]\\n')`, 'no JSON object'],
    ['no type', `out({ stream: 's' })`, "no text as 'type'"],
    ['a number as type', `out({ type: 5 })`, "no text as 'type'"],
    ['a record without stream', `out({ type: 'RECORD', record: {} })`, "without text as 'stream'"],
    ['a record that is text', `out({ type: 'RECORD', stream: 's', record: 'x' })`, "without an object as 'record'"],
    ['a record without record', `out({ type: 'RECORD', stream: 's' })`, "without an object as 'record'"],
    [
      'a time that is none',
      `out({ type: 'RECORD', stream: 's', record: {}, time_extracted: 'now' })`,
      'time_extracted',
    ],
    ['a state without value', `out({ type: 'STATE' })`, "without 'value'"],
    ['a state that is broken', `raw('{"type":"STATE","value":{"a":}}\\n')`, 'no JSON'],
    ['a comma at the end', `raw('{"type":"STATE","value":1,}\\n')`, 'no JSON object'],
    ['rubbish in a member that means nothing', `raw('{"type":"STATE","value":1,"x":nope}\\n')`, 'no JSON object'],
  ])('is refused with its place, and the others go on: %s', async (_what, source, reason) => {
    const batches = await open(`${source}; ${good}; state(1)`).run()
    expect(shownRecords(batches)).toEqual([{ refused: expect.stringContaining(reason) }, { id: 2 }])
    expect(batches.flatMap(({ records }) => records)[0]?.at).toMatch(/line 1$/)
  })

  it('at the end is refused when it is half a message, and taken when it is whole', async () => {
    expect(shownRecords(await open(`raw('{"type":"RECORD","stream":"s","record":{"id":1}}')`).run())).toEqual([
      { id: 1 },
    ])
    expect(shownRecords(await open(`raw('{"type":"RECORD","stre')`).run())).toEqual([
      { refused: expect.stringContaining('no JSON') },
    ])
  })

  it('that is empty is none, and unknown types are named once', async () => {
    const one = open(
      `raw('\\n\\r\\n'); out({ type: 'NEWS' }); out({ type: 'news' }); out({ type: 'ACTIVATE_VERSION', stream: 's', version: 1 }); record({ id: 1 })`,
    )
    expect(shownRecords(await one.run())).toEqual([{ id: 1 }])
    expect(one.lines.map(({ text }) => /"\w+"/.exec(text)?.[0])).toEqual(['"NEWS"', '"ACTIVATE_VERSION"'])
  })
})

describe('a program that fails', () => {
  it.each([
    [
      'ends with a code',
      `record({}); console.error('no such table'); process.exit(3)`,
      {},
      /ended with code 3 \(it said: no such table\), behind line 1/,
    ],
    ['is killed', `record({}); process.kill(process.pid, 'SIGKILL')`, {}, /was ended by SIGKILL/],
    [
      'never ends a line',
      `for (;;) raw('x'.repeat(10_000))`,
      { maxLineBytes: 100_000 },
      /line 1 of its stdout has more than 100000 bytes/,
    ],
    [
      'has a line that is too long',
      `raw('\\n' + 'x'.repeat(3_000) + '\\n')`,
      { maxLineBytes: 2_000 },
      /line 2 .* 2000 bytes/,
    ],
    ['sends another stream', `record({ id: 1 }); record({ id: 2 }, 'other')`, {}, /line 2: a record of stream 'other'/],
    ['sends files', `out({ type: 'BATCH', stream: 's' })`, {}, /BATCH/],
    ['never says STATE', `for (;;) record({ text: 'x'.repeat(1_000) })`, { maxHeldBytes: 100_000 }, /without a STATE/],
    [
      'is not there',
      ``,
      { command: 'no-such-tap', args: [] },
      /no-such-tap ended with code 127: there is no such command/,
    ],
    [
      'is named together with its arguments',
      ``,
      { command: 'node tap.js', args: [] },
      /ended with code 127: .* what follows it belongs into 'args'/,
    ],
    [
      'closes its stdout and lives on',
      `record({}); fs.closeSync(1); forever()`,
      {},
      /has closed its stdout and goes on/,
    ],
    ['has no folder', ``, { cwd: '/no/such/folder' }, /could not be started, with its 'cwd'/],
  ] as const)(
    'gives an error and nothing that no STATE has followed: one that %s',
    async (_what, source, options, message) => {
      const one = open(source, options)
      expect(await failure(one)).toMatch(message)
    },
  )

  it('is not heard where its stream is left out', async () => {
    const batches = await open(`record({ id: 1 }, 'other'); record({ id: 2 })`, {
      stream: 's',
      otherStreams: 'ignore',
    }).run()
    expect(shownRecords(batches)).toEqual([{ id: 2 }])
  })

  it('may leave a daemon behind that keeps its pipes', async () => {
    const one = open(`
      record({ id: 1 })
      const daemon = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 20_000)'], { detached: true, stdio: 'inherit' })
      daemon.once('spawn', () => { record({ pid: daemon.pid }); process.exit(0) })`)
    const [, { pid }] = shownRecords(await one.run()) as [unknown, { pid: number }]
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
  })

  it('is stopped also when a daemon of it keeps its pipes and writes on', async () => {
    const writing = `for (const pipe of [process.stdout, process.stderr]) pipe.on('error', () => undefined); setInterval(() => { process.stdout.write('{}\\n'); process.stderr.write('x\\n') }, 5); setTimeout(() => process.exit(), 20_000)`
    const one = open(`
      const daemon = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(writing)}], { detached: true, stdio: 'inherit' })
      daemon.once('spawn', () => { record({ pid: daemon.pid }); state(1); forever() })`)
    const [{ pid }] = shownRecords([await one.next()]) as [{ pid: number }]
    await one.close()
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
  })

  it('is killed when it does not end, with those that it has started', async () => {
    const one = open(`
      process.on('SIGTERM', () => undefined)
      const other = require('node:child_process').spawn(process.execPath, ['-e', "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)"])
      other.once('spawn', () => setTimeout(() => { record({ pids: [process.pid, other.pid] }); state(1) }, 300))
      forever()`)
    const [{ pids }] = shownRecords([await one.next()]) as [{ pids: number[] }]
    await one.close()
    expect(pids).toHaveLength(2)
    await until('they are gone', () => !pids.some(isAlive))
  })
})

describe('options', () => {
  it.each([
    [{}, /command is missing/],
    [{ command: 'a\0b' }, /without NUL/],
    [{ command: 'a', args: [1] }, /list of texts/],
    [{ command: 'a', env: { 'x=y': 'z' } }, /env is/],
    [{ command: 'a', config: 5 }, /config is/],
    [{ command: 'a', config: [] }, /config is/],
    [{ command: 'a', every: -1 }, /every is/],
    [{ command: 'a', once: true, every: 5 }, /exclude each other/],
    [{ command: 'a', commitsToStdin: true, beforeState: 'commit' }, /give one of them/],
    [{ command: 'a', maxLineBytes: 1.5 }, /maxLineBytes is/],
    [{ command: 'a', streams: ['x'] }, /no option 'streams'/],
  ])('that cannot be used are refused: %j', (options, message) => {
    expect(() => singerSource(options as never)).toThrow(message)
  })
})
