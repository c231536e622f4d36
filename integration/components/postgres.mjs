// npm run postgres -- start|stop|kill|status [--port N] [--dir DIR]
// One PostgreSQL of its own, from the package postgresql, without Docker. Its URL goes to stdout, everything else to stderr.
import { execFile, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { freePort, requireFree } from '../kafka/ports.mjs'
import { runChosen, runsWith } from '../kafka/program.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const usage = `usage: npm run postgres -- start|stop|kill|status [--port N] [--dir DIR]
  start   starts it, with the data it had, and prints its URL; one that runs already is left as it is
  stop    stops it; its data stays in DIR
  kill    ends it at once, as a crash would
  status  prints its URL, or fails when it does not run
  --port  5432; 0 takes a free one: then name a --dir
  --dir   .kafka/postgres-PORT
Whoever connects is let in, from this machine only.
`

const commands = {
  async start({ dir, port: wanted }) {
    const bin = programs()
    const user = ownUser()
    mkdirSync(dir, { recursive: true })
    if (user.uid !== undefined) chownSync(dir, user.uid, user.gid)
    if (!existsSync(dataOf(dir))) {
      const how = ['-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']
      await run(bin, 'initdb', ['-D', dataOf(dir), ...how], user, dir)
    }
    const running = portOf(dir)
    if (running !== undefined) return console.log(urlOf(running))
    const port = wanted === 0 ? await freePort(1) : wanted
    await requireFree(port, 1)
    // What a crash of the machine would lose matters to nobody here, and a crash of the server loses nothing.
    const settings = `-p ${port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off`
    await run(
      bin,
      'pg_ctl',
      ['-D', dataOf(dir), '-w', '-s', '-l', join(dir, 'log'), '-o', settings, 'start'],
      user,
      dir,
    )
    console.log(urlOf(port))
  },
  stop: ({ dir }) => end(dir, 'fast'),
  kill: ({ dir }) => end(dir, 'immediate'),
  async status({ dir }) {
    const port = portOf(dir)
    if (port === undefined) throw new Error(`none runs from ${here(dir)}`)
    console.log(urlOf(port))
  },
}

async function end(dir, mode) {
  if (portOf(dir) === undefined) return console.error(`postgres: none runs from ${here(dir)}`)
  await run(programs(), 'pg_ctl', ['-D', dataOf(dir), '-m', mode, '-w', '-s', 'stop'], ownUser(), dir)
  console.error(`postgres: stopped; its data is in ${here(dir)}`)
}

/** The folder of its programs, of the latest version. */
function programs() {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base)
    ? readdirSync(base).filter((name) => existsSync(join(base, name, 'bin', 'initdb')))
    : []
  const latest = versions.sort((one, other) => Number(other) - Number(one))[0]
  if (latest === undefined) throw new Error('PostgreSQL was not found: apt-get install postgresql')
  return join(base, latest, 'bin')
}

/** It refuses to run as root: then it runs as its own user, who must be able to get to its folder. */
function ownUser() {
  if (process.getuid() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((which) =>
    Number(spawnSync('id', [which, 'postgres'], { encoding: 'utf8' }).stdout),
  )
  return { uid, gid }
}

async function run(bin, program, args, user, dir) {
  try {
    // Its own folder: that of whoever starts it may be closed to its user.
    await promisify(execFile)(join(bin, program), args, { ...user, cwd: dir })
  } catch ({ message, stdout = '', stderr = '' }) {
    const log = existsSync(join(dir, 'log'))
      ? readFileSync(join(dir, 'log'), 'utf8').split('\n').slice(-20).join('\n')
      : ''
    throw new Error(
      `${program} failed (every folder above ${dir} must be open to its user): ${message}\n${stdout}${stderr}${log}`,
    )
  }
}

/** Of the server that runs from `dir`; undefined when none does. Source: PostgreSQL, `postmaster.pid`. */
function portOf(dir) {
  const file = join(dataOf(dir), 'postmaster.pid')
  if (!existsSync(file)) return undefined
  const [pid, data, , port] = readFileSync(file, 'utf8').split('\n')
  return runsWith(pid, data) ? Number(port) : undefined
}

function dataOf(dir) {
  return join(dir, 'data')
}
function urlOf(port) {
  return `postgresql://postgres@127.0.0.1:${port}/postgres`
}
function here(dir) {
  return relative(process.cwd(), dir)
}

function options() {
  try {
    const known = { port: { type: 'string', default: '5432' }, dir: { type: 'string' } }
    const { values, positionals } = parseArgs({ allowPositionals: true, options: known })
    const port = Number(values.port)
    const [command] = positionals
    const run = Object.hasOwn(commands, command ?? '') ? commands[command] : undefined
    if (run === undefined || positionals.length !== 1 || !Number.isInteger(port) || port < 0 || port > 65_535)
      return undefined
    if (port === 0 && values.dir === undefined) return undefined
    return { run, port, dir: resolve(values.dir ?? join(root, '.kafka', `postgres-${String(port)}`)) }
  } catch {
    return undefined
  }
}

await runChosen('postgres', usage, options())
