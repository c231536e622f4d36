import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { packed } from './docs/packed.js'
import { millrace } from './cli/command.js'

const run = promisify(execFile)

describe('millrace new', () => {
  jest.setTimeout(240_000)
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-new-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('makes a project that is installed from the package, tested, run on the embedded log, and looked at with its own command', async () => {
    const tarball = packed(folder)
    const project = join(folder, 'my-app')
    const made = await millrace(['new', project, '--millrace', `file:../${basename(tarball)}`])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(made.stdout).toContain('\n  npm install\n  npm start\n')
    expect(existsSync(join(project, '.gitignore'))).toBe(true)

    const npm = (...args: readonly string[]) => run('npm', args, { cwd: project, env: { ...process.env, PORT: '0' } })
    await npm('install', '--no-audit', '--no-fund', '--prefer-offline')
    expect((await npm('test')).stdout).toMatch(/# pass 1\n# fail 0/)

    const started = spawn(process.execPath, [join(project, 'dist', 'src', 'main.js')], {
      cwd: project,
      env: { ...process.env, PORT: '0', KAFKA_BROKERS: undefined },
    })
    let output = ''
    started.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.includes('cleo has')) started.kill('SIGTERM')
    })
    const [code] = (await once(started, 'close')) as [number | null]
    expect(output).toMatch(/running on the embedded log.*\nann has 1135 cents after 10 payments\n/)
    expect(code).toBe(0)

    const described = await run('npx', ['millrace', 'describe', '--program', 'dist/src/app.js'], { cwd: project })
    expect(described.stdout).toContain('app my-app\n  reads my-app.payments')
  })

  it('takes whatever npm is to be asked for', async () => {
    const spec = 'file:..\\my "own" $& copy.tgz'
    const project = join(folder, 'odd')
    expect(await millrace(['new', project, '--millrace', spec])).toMatchObject({ code: 0 })
    const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { dependencies: object }
    expect(dependencies).toMatchObject({ millrace: spec })
  })

  it('writes nothing into a directory that holds something, nor under a name that is none', async () => {
    const full = join(folder, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'mine.txt'), 'mine')
    const refused = await millrace(['new', full])
    expect(refused).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/is not empty \(mine\.txt\)/) })
    expect(existsSync(join(full, 'package.json'))).toBe(false)
    const file = await millrace(['new', join(full, 'mine.txt')])
    expect(file).toMatchObject({ code: 3, stderr: expect.stringContaining('it is a file') })
    const below = await millrace(['new', join(full, 'mine.txt', 'below')])
    expect(below.code).toBe(3)

    for (const name of ['My App', '..', '-x', 'ä', '__proto__', 'a'.repeat(65)]) {
      const end = await millrace(['new', join(folder, 'new'), `--name=${name}`])
      expect(end).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot name a package') })
    }
    expect((await millrace(['new', join(folder, 'Not Lower')])).code).toBe(2)
    expect(existsSync(join(folder, 'new'))).toBe(false)
    expect((await millrace(['new'])).stderr).toMatch(/missing required argument 'directory'/)
  })

  it('takes a directory that only git knows yet, and says in JSON what it has written', async () => {
    mkdirSync(join(folder, 'shop', '.git'), { recursive: true })
    const made = await millrace(['new', join(folder, 'shop'), '--name', 'shop.v2', '--json'])
    const { files, name } = JSON.parse(made.stdout) as { files: string[]; name: string }
    expect([name, files]).toEqual(['shop.v2', expect.arrayContaining(['package.json', join('src', 'app.ts')])])
    const { version } = JSON.parse(readFileSync(resolve('package.json'), 'utf8')) as { version: string }
    const written = JSON.parse(readFileSync(join(folder, 'shop', 'package.json'), 'utf8')) as Record<string, any>
    expect(written).toMatchObject({ name: 'shop.v2', dependencies: { millrace: `^${version}` } })
    for (const file of files) expect(readFileSync(join(folder, 'shop', file), 'utf8')).not.toMatch(/\{\{\w+\}\}/)
  })
})
