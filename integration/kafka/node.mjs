// One Kafka process, broker and controller in one: its directory, its start, its end. What it is told is decided elsewhere.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { classPath, missingTool } from './jars.mjs'

/** The `log.dirs` of the node in `dir`. */
export const dataOf = (dir) => join(dir, 'data')

/** Whether the node in `dir` has run before. */
export const hasData = (dir) => existsSync(join(dataOf(dir), 'meta.properties'))

/** Kafka's own form of a UUID; a leading dash would be read as an option. */
export const newClusterId = () => randomBytes(16).toString('base64url').replace(/^-/, 'A')

/** Writes the configuration of a node and prepares its data directory. Throws with a sentence for people. */
export async function prepareNode({ dir, properties, clusterId, formatArguments = [] }) {
  const missing = missingTool()
  if (missing !== undefined) throw new Error(missing)
  mkdirSync(dir, { recursive: true })
  writeFileSync(propertiesFile(dir), properties)
  if (hasData(dir)) return
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', propertiesFile(dir), ...formatArguments]
  try {
    await promisify(execFile)('java', ['-XX:TieredStopAtLevel=1', '-cp', classPath(), ...format])
  } catch ({ message, stdout, stderr }) {
    throw new Error(`the data directory could not be prepared: ${message}\n${stdout}${stderr}`)
  }
}

/** Starts a prepared node. `machine` is for the Java virtual machine. Returns at once. */
export function launchNode({ dir, port, machine }) {
  const log = openSync(logFile(dir), 'w')
  const java = [...machine, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath()]
  const child = spawn('java', [...java, 'kafka.Kafka', propertiesFile(dir)], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  child.unref()
  writeFileSync(pidFile(dir), JSON.stringify({ pid: child.pid, port }))
}

/** Resolves when `test` of its port does. Throws when it ends before, or takes longer than two minutes. */
export async function untilNode(dir, test, patienceMs = 120_000) {
  const { pid, port } = JSON.parse(readFileSync(pidFile(dir), 'utf8'))
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(100)) {
    if (await test(port)) return
    if (!isNode(pid, dir)) throw new Error(`the broker ended while starting:\n${lastLines(dir)}`)
  }
  throw new Error(`the broker does not answer on port ${port} after ${patienceMs / 1000} s:\n${lastLines(dir)}`)
}

/** What was started from `dir` and still runs: `{ pid, port }`, or undefined. */
export function nodeIn(dir) {
  if (!existsSync(pidFile(dir))) return undefined
  const { pid, port } = JSON.parse(readFileSync(pidFile(dir), 'utf8'))
  return isNode(pid, dir) ? { pid, port } : undefined
}

/** Ends the node in `dir` and waits until it is gone; with kill -9 once patience is over. False when none was running. */
export async function endNode({ dir, signal = 'SIGTERM', patienceMs = 30_000 }) {
  const running = nodeIn(dir)
  if (running === undefined) return false
  process.kill(running.pid, signal)
  for (let waited = 0; isNode(running.pid, dir); waited += 50) {
    if (waited === patienceMs) process.kill(running.pid, 'SIGKILL')
    await sleep(50)
  }
  rmSync(pidFile(dir), { force: true })
  return true
}

/** The number of a dead process may belong to another by now, so its command line is looked at. */
function isNode(pid, dir) {
  const { stdout } = spawnSync('ps', ['-ww', '-p', String(pid), '-o', 'stat=,command='], { encoding: 'utf8' })
  return stdout.includes(propertiesFile(dir)) && !stdout.trimStart().startsWith('Z')
}

function lastLines(dir) {
  const lines = existsSync(logFile(dir)) ? readFileSync(logFile(dir), 'utf8').trimEnd().split('\n').slice(-20) : []
  return [...lines, `(${logFile(dir)})`].join('\n')
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
