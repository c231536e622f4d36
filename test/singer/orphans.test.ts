import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, Programs, textOf, until } from './program.js'

const programs = new Programs()
const parents: ChildProcess[] = []
let count = 0

afterEach(() => parents.splice(0).forEach((parent) => parent.kill('SIGKILL')))
afterAll(() => programs.remove())

/** A process that runs the program, once that has told its ids and where its config is. */
async function parentOf(what: string, source: string): Promise<{ parent: ChildProcess; pids: number[]; file: string }> {
  const told = programs.path(`told-${count++}`)
  const { command, args } = programs.write(`child-${count}`, `const told = ${JSON.stringify(told)}\n${tell}\n${source}`)
  const root = join(__dirname, '..', 'processes')
  const parent = spawn(
    process.execPath,
    [join(root, 'run-ts.cjs'), join(root, 'tap-parent.ts'), what, command, ...args],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  parents.push(parent)
  const text = await until('the program has begun', () => textOf(told))
  return { parent, ...(JSON.parse(text) as { pids: number[]; file: string }) }
}

const tell = `
const tell = (...others) => {
  const file = process.argv[process.argv.indexOf('--config') + 1]
  fs.writeFileSync(told + '.new', JSON.stringify({ pids: [process.pid, ...others], file }))
  fs.renameSync(told + '.new', told)
}`

const deaf = `process.on('SIGTERM', () => undefined); process.on('SIGHUP', () => undefined)`

describe('when this process is killed', () => {
  it.each([
    ['a source that says nothing', 'source', `${deaf}; tell(); forever()`],
    [
      'a source that writes on',
      'source',
      `${deaf}; tell(); process.stdout.on('error', () => undefined); setInterval(() => process.stdout.write('{}\\n'), 1)`,
    ],
    [
      'a source with a program of its own',
      'source',
      `const other = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`${deaf}; setInterval(() => undefined, 1000)`)}])
      other.once('spawn', () => setTimeout(() => tell(other.pid), 300)); forever()`,
    ],
    ['a sink that does not read', 'sink', `${deaf}; tell(); forever()`],
    ['a sink that reads to the end', 'sink', `tell(); process.stdin.resume()`],
  ])('nothing of it stays: %s', async (_what, kind, source) => {
    const { parent, pids, file } = await parentOf(kind, source)
    expect(existsSync(file)).toBe(true)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await until('its processes are gone', () => !pids.some(isAlive))
    await until('its files are gone', () => !existsSync(file))
  })
})
