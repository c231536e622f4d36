// npm run registry -- start|stop|kill|status [--port N] [--dir DIR]
// A schema registry (Apicurio, as Confluent's API v7) from Maven, without Docker. Its address goes to stdout, everything else to stderr.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, requireFree } from '../kafka/ports.mjs'
import { runsWith } from '../kafka/program.mjs'
import { registryJar } from './registry/jars.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const usage = `usage: npm run registry -- start | stop | kill | status
  start      starts a registry, waits until it answers, and prints its address, which is what registry({ url }) takes
  stop       stops it; what it had in memory is gone
  kill       the same at once, as a crash
  --port     8081; 0 takes a free one: then name a --dir
  --dir      .kafka/registry-PORT: its process and log
`

const commands = {
  async start({ dir, port: wanted }) {
    const running = registryIn(dir)
    if (running !== undefined) return console.log(addressOf(running.port))
    const port = wanted === 0 ? await freePort(2) : wanted
    await requireFree(port, 2)
    launch(dir, port)
    await untilAnswers(dir, port)
    console.log(addressOf(port))
  },
  async stop({ dir }) {
    console.error((await end(dir, 'SIGTERM')) ? 'registry: stopped' : `registry: none runs from ${shown(dir)}`)
  },
  async kill({ dir }) {
    console.error((await end(dir, 'SIGKILL')) ? 'registry: killed' : `registry: none runs from ${shown(dir)}`)
  },
  async status({ dir }) {
    const running = registryIn(dir)
    if (running === undefined || !(await answers(running.port))) throw new Error(`none answers from ${shown(dir)}`)
    console.log(addressOf(running.port))
  },
}

function launch(dir, port) {
  const jar = registryJar()
  mkdirSync(dir, { recursive: true })
  const log = openSync(logFile(dir), 'w')
  // Short lives: the first compiler alone takes less CPU.
  const machine = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dmillrace.dir=${dir}`]
  const child = spawn('java', [...machine, '-jar', jar], {
    cwd: dir,
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(port),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(port + 1),
    },
  })
  child.once('error', () => undefined)
  child.unref()
  if (child.pid === undefined) throw new Error('java was not found: install a Java runtime, 17 or later.')
  writeFileSync(pidFile(dir), JSON.stringify({ pid: child.pid, port }))
}

async function untilAnswers(dir, port, patienceMs = 120_000) {
  for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(100)) {
    if (await answers(port)) return
    if (registryIn(dir) === undefined) throw new Error(`the registry ended while starting:\n${lastLines(dir)}`)
  }
  throw new Error(`the registry does not answer after ${patienceMs / 1000} s:\n${lastLines(dir)}`)
}

async function answers(port) {
  try {
    return (await fetch(`${addressOf(port)}/subjects`, { signal: AbortSignal.timeout(5_000) })).ok
  } catch {
    return false
  }
}

async function end(dir, signal) {
  const running = registryIn(dir)
  if (running === undefined) return false
  process.kill(running.pid, signal)
  for (let waited = 0; isRegistry(running.pid, dir); waited += 50) {
    if (waited === 20_000) process.kill(running.pid, 'SIGKILL')
    await sleep(50)
  }
  rmSync(pidFile(dir), { force: true })
  return true
}

function registryIn(dir) {
  if (!existsSync(pidFile(dir))) return undefined
  const { pid, port } = JSON.parse(readFileSync(pidFile(dir), 'utf8'))
  return isRegistry(pid, dir) ? { pid, port } : undefined
}

function isRegistry(pid, dir) {
  return runsWith(pid, `-Dmillrace.dir=${dir}`)
}

function lastLines(dir) {
  return existsSync(logFile(dir)) ? readFileSync(logFile(dir), 'utf8').split('\n').slice(-20).join('\n') : ''
}

const addressOf = (port) => `http://127.0.0.1:${port}/apis/ccompat/v7`
const pidFile = (dir) => join(dir, 'registry.pid')
const logFile = (dir) => join(dir, 'registry.log')
const shown = (dir) => relative(process.cwd(), dir)

try {
  const options = { port: { type: 'string' }, dir: { type: 'string' } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [command = ''] = positionals
  const port = Number(values.port ?? 8081)
  if (!Object.hasOwn(commands, command) || positionals.length > 1) throw new Error(usage)
  if (!Number.isInteger(port) || port < 0 || port > 65_534) throw new Error('--port takes a number from 0 to 65534')
  if (port === 0 && values.dir === undefined) throw new Error('with --port 0 name a --dir')
  await commands[command]({ port, dir: resolve(values.dir ?? join(root, '.kafka', `registry-${port}`)) })
} catch (error) {
  console.error(error.message.startsWith('usage') ? error.message : `registry: ${error.message}`)
  process.exitCode = 1
}
