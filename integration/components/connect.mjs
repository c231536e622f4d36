// npm run connect -- start [SINK.json …]|stop|status [--brokers HOST:PORT] [--port N] [--dir DIR] [--plugins DIR]
// A Kafka Connect worker from Maven jars, without Docker. Its address goes to stdout, everything else to stderr.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, requireFree } from '../kafka/ports.mjs'
import { runChosen, runsWith } from '../kafka/program.mjs'
import { connectJars } from './connect/jars.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const usage = `usage: npm run connect -- start [SINK.json …] | stop | status
  start      starts a worker with these connectors ({ "name": …, "config": { … } }), waits until all their tasks run, and prints
             its address; more can be posted to /connectors of that address
  stop       stops it
  status     prints the state of its connectors, or fails when it does not run
  --brokers  127.0.0.1:9092
  --port     8083; 0 takes a free one: then name a --dir
  --dir      .kafka/connect-PORT: its settings, offsets of sources, and log
  --plugins  a folder with a folder for each further connector or converter
In connectors \${env:NAME} is from the environment. What is not set is as npm run postgres has it:
  POSTGRES_URL jdbc:postgresql://127.0.0.1:5432/postgres, POSTGRES_USER postgres, POSTGRES_PASSWORD postgres
`

const environment = {
  POSTGRES_URL: 'jdbc:postgresql://127.0.0.1:5432/postgres',
  POSTGRES_USER: 'postgres',
  POSTGRES_PASSWORD: 'postgres',
  ...process.env,
}

const commands = {
  async start({ dir, port: wanted, brokers, plugins, connectors }) {
    const running = workerIn(dir)
    if (running !== undefined) return console.log(addressOf(running.port))
    const port = wanted === 0 ? await freePort(1) : wanted
    await requireFree(port, 1)
    launch({ dir, port, brokers, plugins, connectors })
    await untilRunning(dir, connectors.map(nameIn))
    console.log(addressOf(port))
  },
  async stop({ dir }) {
    console.error((await end(dir)) ? 'connect: stopped' : `connect: none runs from ${relative(process.cwd(), dir)}`)
  },
  async status({ dir }) {
    const running = workerIn(dir)
    const states = running && (await statesOf(running.port))
    if (states === undefined) throw new Error(`none answers from ${relative(process.cwd(), dir)}`)
    console.log(addressOf(running.port))
    for (const { name, state, trace } of states) console.log(`${name} ${state}${trace === '' ? '' : `\n${trace}`}`)
  },
}

function launch({ dir, port, brokers, plugins, connectors }) {
  const jars = connectJars()
  mkdirSync(dir, { recursive: true })
  writeFileSync(propertiesFile(dir), propertiesOf({ dir, port, brokers, plugins: [jars.plugins, ...plugins] }))
  const log = openSync(logFile(dir), 'w')
  const machine = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', jars.classPath]
  const main = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', 'org.apache.kafka.connect.cli.ConnectStandalone']
  const child = spawn('java', [...machine, ...main, propertiesFile(dir), ...connectors], {
    detached: true,
    stdio: ['ignore', log, log],
    env: environment,
  })
  child.once('error', () => undefined)
  child.unref()
  if (child.pid === undefined) throw new Error('java was not found: install a Java runtime, 17 or later.')
  writeFileSync(pidFile(dir), JSON.stringify({ pid: child.pid, port }))
}

const propertiesOf = ({ dir, port, brokers, plugins }) => `bootstrap.servers=${brokers}
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=true
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=true
offset.storage.file.filename=${join(dir, 'offsets')}
offset.flush.interval.ms=1000
listeners=${addressOf(port)}
plugin.path=${plugins.join(',')}
# Three times as quick as looking through all classes; a converter without a manifest is not found by it.
plugin.discovery=${plugins.length > 1 ? 'hybrid_warn' : 'service_load'}
consumer.auto.offset.reset=earliest
consumer.isolation.level=read_committed
consumer.metadata.max.age.ms=2000
config.providers=env
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
`

/** Resolves when all tasks of these connectors run. Throws with a sentence for people, and what the task said that failed. */
async function untilRunning(dir, names, patienceMs = 120_000) {
  const { pid, port } = JSON.parse(readFileSync(pidFile(dir), 'utf8'))
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(100)) {
    const states = await statesOf(port)
    const failed = states?.find(({ state }) => state === 'FAILED')
    if (failed !== undefined) throw new Error(`${failed.name} failed:\n${failed.trace}`)
    if (states !== undefined && names.every((name) => states.some((own) => own.name === name && own.runs))) return
    if (!isWorker(pid, dir)) throw new Error(`the worker ended while starting:\n${lastLines(dir)}`)
  }
  throw new Error(`the connectors do not run after ${patienceMs / 1000} s:\n${lastLines(dir)}`)
}

/** Of each connector its state, which is that of its worst task; undefined when the worker does not answer. */
async function statesOf(port) {
  try {
    const response = await fetch(`${addressOf(port)}/connectors?expand=status`)
    if (!response.ok) return undefined
    return Object.entries(await response.json()).map(([name, { status }]) => {
      const parts = [status.connector, ...status.tasks]
      const worst = parts.find(({ state }) => state === 'FAILED') ?? parts.find(({ state }) => state !== 'RUNNING')
      const runs = worst === undefined && status.tasks.length > 0
      return { name, runs, state: worst?.state ?? (runs ? 'RUNNING' : 'STARTING'), trace: worst?.trace ?? '' }
    })
  } catch {
    return undefined
  }
}

async function end(dir) {
  const running = workerIn(dir)
  if (running === undefined) return false
  process.kill(running.pid)
  for (let waited = 0; isWorker(running.pid, dir); waited += 50) {
    if (waited === 20_000) process.kill(running.pid, 'SIGKILL')
    await sleep(50)
  }
  rmSync(pidFile(dir), { force: true })
  return true
}

function workerIn(dir) {
  if (!existsSync(pidFile(dir))) return undefined
  const { pid, port } = JSON.parse(readFileSync(pidFile(dir), 'utf8'))
  return isWorker(pid, dir) ? { pid, port } : undefined
}

function isWorker(pid, dir) {
  return runsWith(pid, propertiesFile(dir))
}

function nameIn(file) {
  return JSON.parse(readFileSync(file, 'utf8')).name
}
function lastLines(dir) {
  const lines = readFileSync(logFile(dir), 'utf8').trimEnd().split('\n').slice(-30)
  return [...lines, `(${logFile(dir)})`].join('\n')
}
function propertiesFile(dir) {
  return join(dir, 'worker.properties')
}
function pidFile(dir) {
  return join(dir, 'worker.json')
}
function logFile(dir) {
  return join(dir, 'worker.log')
}
function addressOf(port) {
  return `http://127.0.0.1:${port}`
}

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        brokers: { type: 'string', default: '127.0.0.1:9092' },
        port: { type: 'string', default: '8083' },
        dir: { type: 'string' },
        plugins: { type: 'string', multiple: true, default: [] },
      },
    })
    const [command, ...files] = positionals
    const run = Object.hasOwn(commands, command ?? '') ? commands[command] : undefined
    const port = Number(values.port)
    if (run === undefined || (files.length > 0 && command !== 'start')) return undefined
    if (!Number.isInteger(port) || port < 0 || port > 65_535 || (port === 0 && values.dir === undefined))
      return undefined
    const dir = resolve(values.dir ?? join(root, '.kafka', `connect-${values.port}`))
    const [plugins, connectors] = [values.plugins, files].map((paths) => paths.map((path) => resolve(path)))
    return { run, dir, port, brokers: values.brokers, plugins, connectors }
  } catch {
    return undefined
  }
}

await runChosen('connect', usage, options())
