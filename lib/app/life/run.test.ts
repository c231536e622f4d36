import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { createApp } from '../create-app.js'
import { childEnvironment } from './parent.js'

const processes = join(__dirname, '../../../test/processes')

interface End {
  readonly code: number | null
  readonly out: string
  readonly errors: string
}

/** Runs running-app.ts to its end, and sends it signals when it has said a word, over and over with `again`. */
async function run(
  what: string,
  beside: string,
  signals: readonly NodeJS.Signals[] = [],
  word = 'running',
  again = false,
): Promise<End> {
  const program = [join(processes, 'run-ts.cjs'), join(processes, 'running-app.ts')]
  const child = spawn(process.execPath, [...program, what, beside])
  const stays = setTimeout(() => child.kill('SIGKILL'), 30_000)
  let [out, errors, isSent] = ['', '', false]
  let timer: NodeJS.Timeout | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    if (isSent || !out.includes(word)) return
    isSent = true
    const send = (): void => signals.forEach((signal) => child.kill(signal))
    send()
    if (again) timer = setInterval(send, 200)
  })
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(stays)
  clearInterval(timer)
  return { code, out, errors }
}

describe('app.run() in a main program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('closes with %s, and the process ends well', async (signal) => {
    const { code, out, errors } = await run('signal', '', [signal])
    expect(out).toBe('running\nafter run, listeners 0 0, live false\n')
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
  })

  it('takes a signal that comes twice at once, as npm and a terminal send it, for one', async () => {
    const { code, out } = await run('signal', '', ['SIGINT', 'SIGINT', 'SIGTERM'])
    expect({ code, out }).toEqual({ code: 0, out: 'running\nafter run, listeners 0 0, live false\n' })
  })

  it('ends at once with a later signal, whatever is under way', async () => {
    const { code, out } = await run('for ever', '', ['SIGTERM'], 'under way', true)
    expect({ code, out }).toEqual({ code: 143, out: 'under way\n' })
  })

  it('ends well with a signal while it waits for brokers that are away', async () => {
    const { code, out } = await run('brokers away', '', ['SIGTERM'], 'degraded')
    expect(out).toContain('after run')
    expect(code).toBe(0)
  })

  it('resolves when somebody closes the app', async () => {
    const { code, out } = await run('close', '')
    expect({ code, out }).toEqual({ code: 0, out: 'after run, listeners 0 0, live false\n' })
  })

  it('is ended some seconds after a signal when the program keeps it, which is said', async () => {
    const { code, out, errors } = await run('signal', 'server', ['SIGTERM'])
    expect(out).toContain('after run')
    expect(errors).toMatch(/still there, kept by .*TCPServerWrap.*Close what the program has open/)
    expect(code).toBe(0)
  }, 30_000)

  it('of two apps leaves each the time to end what it began, however soon the other one has ended', async () => {
    const { code, out } = await run('two apps', '', ['SIGTERM'], 'under way')
    expect({ code, out }).toEqual({
      code: 0,
      out: 'under way\nother after run\nhas ended\nafter run, listeners 0 0, live false\n',
    })
  }, 30_000)

  it.each([
    ['error', 'server'],
    ['error', 'not awaited'],
    ['error', 'started before'],
    ['error', 'worker'],
    ['no topic', 'server'],
    ['no topic', 'worker'],
  ])('fails with %s, %s', async (what, beside) => {
    const { code, out, errors } = await run(what, beside)
    expect(code).toBe(1)
    expect(out).toBe('')
    const printed = errors.split('\n').filter((line) => !line.startsWith('{'))
    expect(printed.join('\n')).toMatch(/MillraceError/)
    expect(printed.join('\n').match(/code: '(HANDLER_FAILED|TOPIC_MISSING)'/g)).toHaveLength(1)
  })

  it.each(['caught', 'unhandledRejection'])('has an exit code that fails also when it is %s', async (beside) => {
    const { code, out } = await run('error', beside)
    expect(out).toMatch(/^(caught|heard): MillraceError: .*the disk of the printer is full/)
    expect(code).toBe(1)
  })
})

describe('a child of millrace run', () => {
  it('ends when its parent has gone before it came to run()', async () => {
    const orders = { parent: process.pid, number: 0, instance: 'host-0', listen: false }
    const program = [join(processes, 'run-ts.cjs'), join(processes, 'running-app.ts')]
    const options = {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...childEnvironment(orders) },
    }
    const child = spawn(process.execPath, [...program, 'signal', 'started before'], options as SpawnOptions)
    const stays = setTimeout(() => child.kill('SIGKILL'), 20_000)
    child.disconnect()
    let out = ''
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const [[code]] = (await Promise.all([once(child, 'exit'), once(child.stdout as Readable, 'end')])) as [
      [number | null],
      unknown,
    ]
    clearTimeout(stays)
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('after run') as string })
  }, 30_000)
})

describe('app.run()', () => {
  const words = topic('words', text())
  const newApp = () =>
    createApp({
      id: 'shop',
      log: memoryLog(),
      flows: [words.to(topic('copy', text()))],
      createTopics: true,
      logger: silentLogger,
    })

  it('called twice is one run; afterwards it says that the app is closed', async () => {
    const app = newApp()
    const runs = [app.run(), app.run()]
    await app.start()
    expect(app.health().state).toBe('running')
    await app.close()
    await Promise.all(runs)
    await app.run()
    const other = newApp()
    await other.close()
    await expect(other.run()).rejects.toMatchObject({ code: 'APP_CLOSED' })
    expect(process.listenerCount('SIGTERM')).toBe(0)
  })

  it.each([
    { signals: [] },
    { signals: ['SIGKILL'] },
    { signals: 'SIGTERM' },
    { signals: ['__proto__'] },
    { timeout: -1 },
    { timeout: Number.NaN },
    { time: 1 },
    7 as never,
  ])('refuses %j', (options) => {
    expect(() => newApp().run(options as never)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
  })
})
