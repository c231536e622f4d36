import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const processes = join(__dirname, '../../test/processes')

interface End {
  readonly code: number | null
  readonly out: string
  readonly errors: string
}

/** Runs dying-app.ts to its end; one that stays up is ended, and has no code then. */
async function run(beside: string, hearing: string): Promise<End> {
  const program = [join(processes, 'run-ts.cjs'), join(processes, 'dying-app.ts')]
  const child = spawn(process.execPath, [...program, beside, hearing])
  const stays = setTimeout(() => child.kill(), 15_000)
  let [out, errors] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    // A listener has it: that the process stays up is its own affair.
    if (beside === 'server' && out.includes('\n')) child.kill()
  })
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(stays)
  return { code, out, errors }
}

describe('an app that an error stops', () => {
  it.each(['nothing', 'server'])('ends its process with a failure when nobody listens, beside %s', async (beside) => {
    const { code, errors } = await run(beside, 'nobody')
    expect(code).toBe(1)
    // What Node.js prints of the error, after what the logger says.
    const printed = errors.split('\n').filter((line) => !line.startsWith('{'))
    expect(printed.join('\n')).toMatch(/MillraceError: .*the disk of the printer is full/)
    expect(printed.join('\n')).toContain("code: 'HANDLER_FAILED'")
  })

  it('does so when it is closed after the error, as by a signal that comes then', async () => {
    const { code, errors } = await run('nothing', 'close while it fails')
    expect(code).toBe(1)
    expect(errors).toContain("code: 'HANDLER_FAILED'")
  })

  it.each([
    ['closed', 'HANDLER_FAILED', 'nothing'],
    ['closed', 'HANDLER_FAILED', 'server'],
    ['drained', 'HANDLER_FAILED', 'nothing'],
    ['start', 'TOPIC_MISSING', 'server'],
  ])('leaves it to who has called %s()', async (hearing, error, beside) => {
    const { code, out, errors } = await run(beside, hearing)
    expect(out).toMatch(/^heard: MillraceError: /)
    expect(code).toBe(beside === 'server' ? null : 0)
    expect(errors).not.toContain('Node.js v')
    expect(errors).toContain(error)
  })

  it('is none when it is closed before: the process ends well', async () => {
    expect(await run('nothing', 'close')).toEqual({ code: 0, out: '', errors: '' })
  })
})
