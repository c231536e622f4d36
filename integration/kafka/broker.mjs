// Starts and stops a real Kafka: one node, KRaft, from Maven jars, without Docker.
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers } from './answers.mjs'
import { classPath, missingTool } from './jars.mjs'

/**
 * Starts the broker whose data is in `dir`, unless it runs already, and waits until it answers. `security` is what
 * `secured` of secure.mjs returns, for listeners with TLS besides. Returns its address. Throws with a sentence for people.
 */
export async function startBroker({ dir, port, security }) {
  const at = resolve(dir)
  const running = brokerIn(at)
  if (running !== undefined) {
    await untilAnswers(running.port, running.pid, at)
    return addressOf(running.port)
  }
  const missing = missingTool()
  if (missing !== undefined) throw new Error(missing)
  const last = port + (security === undefined ? 1 : 3)
  for (let wanted = port; wanted <= last; wanted++) {
    if (await isFree(wanted)) continue
    throw new Error(`port ${wanted} is taken by another program (the broker needs ${port} to ${last}); use --port.`)
  }
  const jars = classPath()
  const properties = propertiesFile(at)
  mkdirSync(at, { recursive: true })
  writeFileSync(properties, propertiesOf(at, port, security))
  if (!existsSync(join(at, 'data', 'meta.properties'))) format(at, jars, security?.formatArguments)
  const log = openSync(logFile(at), 'w')
  const heap = (process.env.KAFKA_HEAP_OPTS ?? '-Xmx1g').split(' ')
  const java = [...heap, '-XX:+UseG1GC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', jars]
  const child = spawn('java', [...java, 'kafka.Kafka', properties], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  child.unref()
  writeFileSync(pidFile(at), JSON.stringify({ pid: child.pid, port }))
  await untilAnswers(port, child.pid, at)
  return addressOf(port)
}

/** Stops the broker whose data is in `dir` and waits for its end. Returns false when none was running. */
export async function stopBroker({ dir, signal = 'SIGTERM', patienceMs = 30_000 }) {
  const at = resolve(dir)
  const running = brokerIn(at)
  if (running === undefined) return false
  process.kill(running.pid, signal)
  for (let waited = 0; isBroker(running.pid, at); waited += 50) {
    if (waited === patienceMs) process.kill(running.pid, 'SIGKILL')
    await sleep(50)
  }
  rmSync(pidFile(at), { force: true })
  return true
}

/** The address of the broker whose data is in `dir`, or undefined when it does not run or does not answer. */
export async function addressIn(dir) {
  const running = brokerIn(resolve(dir))
  return running !== undefined && (await answers(running.port)) ? addressOf(running.port) : undefined
}

/** A port that is free now together with the next ones. */
export async function freePort(together = 2) {
  for (;;) {
    const server = createServer()
    const port = await new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)))
    await new Promise((done) => server.close(done))
    const next = Array.from({ length: together - 1 }, (_, i) => isFree(port + 1 + i))
    if ((await Promise.all(next)).every((free) => free)) return port
  }
}

function propertiesOf(dir, port, { listeners = '', properties = '' } = {}) {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${port + 1}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}${listeners}
log.dirs=${join(dir, 'data')}
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# Crash tests wait for sessions to end; the default lower bound is 6 s.
group.min.session.timeout.ms=1000
# A topic with small segment.ms and min.cleanable.dirty.ratio is compacted within about a second; the default looks every 15 s.
log.cleaner.backoff.ms=200
log.segment.delete.delay.ms=1000
log.retention.check.interval.ms=1000
${properties}`
}

function format(dir, jars, more = []) {
  // Kafka's own form of a UUID; a leading dash would be read as an option.
  const id = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const args = ['-cp', jars, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', propertiesFile(dir), ...more]
  const { status, stdout, stderr } = spawnSync('java', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the data directory could not be prepared:\n${stdout}${stderr}`)
}

async function untilAnswers(port, pid, dir, patienceMs = 60_000) {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(100)) {
    if (await answers(port)) return
    if (!isBroker(pid, dir)) throw new Error(`the broker ended while starting:\n${lastLines(dir)}`)
  }
  throw new Error(`the broker does not answer on port ${port} after ${patienceMs / 1000} s:\n${lastLines(dir)}`)
}

/** What was started from `dir` and still runs. */
function brokerIn(dir) {
  if (!existsSync(pidFile(dir))) return undefined
  const { pid, port } = JSON.parse(readFileSync(pidFile(dir), 'utf8'))
  return isBroker(pid, dir) ? { pid, port } : undefined
}

/** The number of a dead process may belong to another by now, so its command line is looked at. */
function isBroker(pid, dir) {
  const { stdout } = spawnSync('ps', ['-ww', '-p', String(pid), '-o', 'stat=,command='], { encoding: 'utf8' })
  return stdout.includes(propertiesFile(dir)) && !stdout.trimStart().startsWith('Z')
}

async function isFree(port) {
  const server = createServer()
  const free = await new Promise((done) => {
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => done(true))
  })
  if (free) await new Promise((done) => server.close(done))
  return free
}

function lastLines(dir) {
  const lines = existsSync(logFile(dir)) ? readFileSync(logFile(dir), 'utf8').trimEnd().split('\n').slice(-20) : []
  return [...lines, `(${logFile(dir)})`].join('\n')
}

function addressOf(port) {
  return `127.0.0.1:${port}`
}
function propertiesFile(dir) {
  return join(dir, 'server.properties')
}
function pidFile(dir) {
  return join(dir, 'broker.json')
}
function logFile(dir) {
  return join(dir, 'broker.log')
}
