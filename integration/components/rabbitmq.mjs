// node integration/components/rabbitmq.mjs start|stop|kill|health [--dir DIR] [--port N], or ctl --dir DIR -- what rabbitmqctl takes
// One RabbitMQ of its own, from the package rabbitmq-server, without systemd and Docker. Its URL goes to stdout.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { freePort } from '../kafka/ports.mjs'
import { runsWith } from '../kafka/program.mjs'

const run = promisify(execFile)
const root = '/usr/lib/rabbitmq/lib'

/** Of the server itself: those in /usr/sbin switch to a user of their own. */
const bin = () => {
  const server = existsSync(root) ? readdirSync(root).find((name) => name.startsWith('rabbitmq_server-')) : undefined
  if (server === undefined) throw new Error('there is no rabbitmq-server: apt-get install rabbitmq-server')
  return join(root, server, 'sbin')
}

/** Starts it, with the data it had, and waits until it answers. `port` 0: free ones. */
export async function start({ dir: given, port: wanted = 0 }) {
  const dir = resolve(given)
  mkdirSync(join(dir, 'home'), { recursive: true })
  // The next two are for its nodes to find each other, which it insists on.
  const port = portIn(dir) ?? (wanted || (await freePort(3)))
  writeFileSync(join(dir, 'port'), String(port))
  writeFileSync(join(dir, 'enabled_plugins'), '[].')
  writeFileSync(join(dir, 'rabbitmq.conf'), 'loopback_users = none\n')
  const log = openSync(join(dir, 'stdout.log'), 'a')
  const server = spawn(join(bin(), 'rabbitmq-server'), {
    env: environment(dir),
    detached: true,
    stdio: ['ignore', log, log],
  })
  let ended = false
  server.once('exit', () => (ended = true))
  server.unref()
  for (let waited = 0; !(await answers(port)); waited += 100) {
    if (ended || waited > 120_000)
      throw new Error(`it does not start; see ${join(dir, 'stdout.log')}, ${join(dir, 'log')}`)
    await sleep(100)
  }
  return `amqp://guest:guest@127.0.0.1:${port}`
}

/** Runs rabbitmqctl. Resolves with what it prints. */
export async function ctl(dir, ...command) {
  const { stdout } = await run(join(bin(), 'rabbitmqctl'), ['-q', ...command], { env: environment(resolve(dir)) })
  return stdout.trim()
}

/** Its end, with kill -9 or without; its data stays. */
export async function end({ dir: given, signal = 'SIGTERM' }) {
  const dir = resolve(given)
  const pid = pidIn(dir)
  if (pid === undefined) return
  process.kill(pid, signal)
  while (isThere(pid)) await sleep(50)
}

/** Ends it, and the daemon that knows its ports, which otherwise outlives it. */
export async function stop({ dir }) {
  await end({ dir })
  // It refuses for as long as it believes that the node is there.
  for (let tries = 0; tries < 50; tries++) {
    const killed = run('epmd', ['-port', String(portIn(resolve(dir)) + 2), '-kill'])
    const { stdout = '' } = await killed.catch((error) => error)
    if (!stdout.includes('Killing not allowed')) return
    await sleep(200)
  }
}

/** Of the server in `dir`; undefined when it does not run. */
export function pidIn(dir) {
  const file = join(resolve(dir), 'pid')
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  return pid > 0 && isThere(pid) ? pid : undefined
}

/** Whether a server greets whoever greets it. */
function answers(port) {
  return new Promise((done) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('AMQP\0\0\x09\x01'))
    const end = (answer) => {
      socket.destroy()
      done(answer)
    }
    socket.setTimeout(5_000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.once('data', () => end(true))
  })
}

const portIn = (dir) => {
  const file = join(dir, 'port')
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined
}

function environment(dir) {
  const port = portIn(dir)
  return {
    ...process.env,
    // Its cookie is made there.
    HOME: join(dir, 'home'),
    RABBITMQ_NODENAME: `rabbit${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(port + 1),
    ERL_EPMD_PORT: String(port + 2),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none',
  }
}

function isThere(pid) {
  return runsWith(pid, 'beam')
}

const commands = {
  start: async (where) => console.log(await start(where)),
  stop,
  kill: ({ dir }) => end({ dir, signal: 'SIGKILL' }),
  health: async ({ dir }) => console.log(await ctl(dir, 'ping')),
  ctl: async ({ dir }, words) => console.log(await ctl(dir, ...words)),
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = { dir: { type: 'string', default: '.rabbitmq' }, port: { type: 'string', default: '0' } }
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  const command = Object.hasOwn(commands, positionals[0] ?? '') ? commands[positionals[0]] : undefined
  try {
    if (command === undefined) throw new Error('start, stop, kill, health or ctl; with --dir and --port')
    await command({ dir: values.dir, port: Number(values.port) }, positionals.slice(1))
  } catch (error) {
    console.error(`rabbitmq: ${error.message}`)
    process.exitCode = 1
  }
}
