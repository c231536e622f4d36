import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createApp, sink, source } from 'millrace'
import { tcpSink, tcpSource } from 'millrace/tcp'
import { cpuSeconds, eventTopic, events, openLog, report, rounded, runName, whole } from './shared/setting.js'

/**
 * Frames per second from TCP into a topic, and from that topic to TCP, both answered. The other side is a process of its own, so the
 * CPU is that of the app alone. With `--ids` each frame carries an id that is remembered.
 */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    frames: { type: 'string' },
    ids: { type: 'boolean', default: false },
    role: { type: 'string' },
    port: { type: 'string' },
  },
})
const count = whole(args.frames, 200_000)

if (args.role === 'sender') await send(Number(args.port))
else if (args.role === 'receiver') await receive()
else await measure()

async function measure(): Promise<void> {
  const id = runName('tcp')
  const log = openLog(args.brokers)
  const topic = eventTopic(id)
  let listening = (_port: number): void => undefined
  const place = new Promise<number>((resolve) => {
    listening = resolve
  })
  const from = tcpSource({
    listen: { port: 0 },
    frames: 'line',
    answers: true,
    onListening: ({ port }) => listening(port),
    ...(args.ids ? { id: (frame: Buffer) => frame.subarray(frame.lastIndexOf('"ts":')).toString() } : {}),
  })
  const app = createApp({ id, log, createTopics: true, sources: [source('in', { into: topic, from })] })
  await app.start()
  const sender = other('sender', await place)
  const ins = await during(async () => void (await once(sender, 'line')))
  const [written] = app.stats().connectors
  await app.close()

  const receiver = other('receiver')
  const [port] = (await once(receiver, 'line')) as [string]
  const to = tcpSink({ connect: { port: Number(port) }, frames: 'line', answers: true })
  const out = createApp({ id: `${id}-out`, log, sinks: [sink('out', { from: topic, to })] })
  let distinct = 0
  const outs = await during(async () => {
    await out.start()
    distinct = Number(((await once(receiver, 'line')) as [string])[0])
  })
  await out.close()
  let inTopic = 0
  for await (const { value } of log.read(topic)) inTopic += value === null ? 0 : 1
  await log[Symbol.asyncDispose]()
  report({
    bench: 'tcp',
    log: args.brokers === undefined ? 'embedded' : 'kafka',
    frames: count,
    ids: args.ids,
    inPerSecond: Math.round(count / ins.seconds),
    inCpuMicros: rounded((ins.cpu / count) * 1e6),
    outPerSecond: Math.round(count / outs.seconds),
    outCpuMicros: rounded((outs.cpu / count) * 1e6),
    commits: written?.commits,
    verified: inTopic === count && distinct === count,
  })
}

async function during(work: () => Promise<void>): Promise<{ seconds: number; cpu: number }> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  await work()
  return { seconds: (performance.now() - began) / 1_000, cpu: cpuSeconds(cpu) }
}

/** This program in a role of its own, as the lines that it says. */
function other(role: string, port = 0) {
  const options = ['--role', role, '--port', String(port), '--frames', String(count)]
  const child = spawn(process.execPath, [process.argv[1] as string, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return createInterface(child.stdout)
}

async function send(port: number): Promise<void> {
  const frames = Buffer.from([...events(count, 10_000)].map((event) => `${JSON.stringify(event)}\n`).join(''))
  const socket = connect(port, '127.0.0.1')
  socket.write(frames)
  for await (const answer of createInterface(socket)) if (answer === `ok ${count}`) break
  console.log('done')
  socket.destroy()
}

async function receive(): Promise<void> {
  const times = new Set<number>()
  const server = createServer((socket: Socket) => {
    let frames = 0
    let rest = ''
    socket.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() as string
      for (const line of lines) times.add((JSON.parse(line) as { ts: number }).ts)
      frames += lines.length
      if (lines.length > 0) socket.write(`ok ${frames}\n`)
      if (times.size < count) return
      console.log(times.size)
      server.close()
    })
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  console.log((server.address() as AddressInfo).port)
}
