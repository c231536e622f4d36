import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaLog, topic } from 'millrace'
import { z } from 'zod'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'
import { installed } from './singer/pypi.js'
import type { Setting } from './singer/main.js'

const count = 30_000
const ids = Array.from({ length: count }, (_, i) => i)
let folder: string
/** Of an app that has ended by itself. */
let failure: string | undefined
const apps: ChildProcess[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-pypi-'))
})
afterAll(() => {
  apps.forEach((app) => app.kill('SIGKILL'))
  rmSync(folder, { recursive: true, force: true })
})

describeWithKafka('a tap and a target from PyPI', (brokers) => {
  it('lose nothing when they and the app are killed in turn, and the topic has each record once', async () => {
    const [tap, target] = await Promise.all([installed('tap-jsonl'), installed('target-jsonl')])
    writeFileSync(join(folder, 'in.jsonl'), ids.map((id) => `{"id":${id},"text":"row ${id}"}\n`).join(''))
    const setting: Setting = {
      brokers,
      id: nextName('pypi'),
      topic: nextName('rows'),
      tap,
      target,
      config: {
        tap: { path: join(folder, 'in.jsonl'), stream_name: 'rows', primary_keys: ['id'] },
        target: { destination_path: folder, custom_name: 'out', do_timestamp_file: false },
      },
    }
    const first = started(setting)
    // It says STATE every 10,000 records: it is killed behind the first, and begins anew all the same.
    await killed(first, 'tap-jsonl', () => first.last.read > 0)
    await killed(first, 'target-jsonl', () => linesOut() > 0)
    await told(first, ({ written }) => written > 0)
    const left = children(first.app).map(({ pid }) => pid)
    first.app.kill('SIGKILL')
    await once(first.app, 'exit')
    await until('its programs have ended', () => !left.some((pid) => statOf(pid) !== undefined))

    const second = started(setting)
    await until('all is in the file', () => new Set(rowsOut()).size === count)
    second.app.kill('SIGTERM')
    await once(second.app, 'exit')
    expect((await rowsIn(setting)).sort((a, b) => a - b)).toEqual(ids)
    // The target appends what it gets, and cannot take back what it has appended of a batch that comes again.
    console.log(`${rowsOut().length - count} rows twice in the file`)
  }, 300_000)
})

interface Started {
  readonly app: ChildProcess
  last: { read: number; written: number }
}

function started(setting: Setting): Started {
  const app = spawn(process.execPath, [join('build', 'integration', 'singer', 'main.js'), JSON.stringify(setting)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  apps.push(app)
  const one: Started = { app, last: { read: 0, written: 0 } }
  app.once('exit', (code) => {
    if (code !== null) failure = `the app has ended with ${code}`
  })
  app.stdout.on('data', (chunk: Buffer) => {
    const line = String(chunk).split('\n').at(-2)
    if (line?.startsWith('{') === true && line.endsWith('}')) one.last = JSON.parse(line) as Started['last']
  })
  return one
}

const told = (one: Started, holds: (last: Started['last']) => boolean): Promise<void> =>
  until('the app has come so far', () => holds(one.last))

/** Kills a program of the app as soon as it is there and it is time. */
async function killed({ app }: Started, name: string, isTime: () => boolean): Promise<void> {
  await until(`${name} runs`, () => {
    const found = children(app).find(({ command }) => command.includes(name))
    if (found === undefined || !isTime()) return false
    process.kill(found.pid, 'SIGKILL')
    return true
  })
}

/** Of what the system says: they are its children, with it in no group. */
function children(app: ChildProcess): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === app.pid)
    .map((pid) => ({ pid, command: textOf(`/proc/${pid}/cmdline`) }))
}

function statOf(pid: number): { readonly parent: number } | undefined {
  const [, state, parent] = /^\d+ \(.*\) (\S) (\d+)/s.exec(textOf(`/proc/${pid}/stat`)) ?? []
  return state === undefined || state === 'Z' ? undefined : { parent: Number(parent) }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const linesOut = (): number => textOf(join(folder, 'out.jsonl')).split('\n').length - 1

/** A kill may leave half a line, with the next one behind it; both come again. */
function rowsOut(): number[] {
  return textOf(join(folder, 'out.jsonl'))
    .split('\n')
    .flatMap((line) => {
      const [, id] = /^\{"id": (\d+), "text": "row \1"\}$/.exec(line) ?? []
      return id === undefined ? [] : [Number(id)]
    })
}

async function rowsIn(setting: Setting): Promise<number[]> {
  await using log = kafkaLog({ brokers: [...setting.brokers] })
  const found: number[] = []
  for await (const { value } of log.read(topic(setting.topic, z.object({ id: z.number() }))))
    if (value !== null) found.push(value.id)
  return found
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 120_000
  while (!holds()) {
    if (failure !== undefined) throw new Error(`${failure}, waiting: ${what}`)
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
    await sleep(20)
  }
}
