import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import { z } from 'zod'
import { text } from '../../lib/codec/codec.js'
import { createApp } from '../../lib/app/create-app.js'
import { kafkaLog } from '../../lib/kafka/kafka-log.js'
import { memoryLog } from '../../lib/memory/memory-log.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'

// A main program with app.run(): `running-app.ts <what comes> <beside>`.
const [what = '', beside = ''] = process.argv.slice(2)

const words = topic('words', text())
const kind = stateObject('word', { state: z.object({}), init: () => ({}) }).on(
  words,
  { key: (word) => word, onError: { attempts: 1, then: 'stop' } },
  (_state, word) => {
    if (word === 'for ever') return new Promise(() => say('under way'))
    if (word === 'longer') return longer()
    throw new Error('the disk of the printer is full')
  },
)
const log = memoryLog({ partitions: 1 })
const away = what === 'brokers away' ? kafkaLog({ brokers: ['127.0.0.1:1'] }) : undefined
const app = createApp({ id: 'shop', log: away ?? log.open(), objects: [kind], createTopics: what !== 'no topic' })

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Than a process stays that has nothing to do but to end. */
async function longer(): Promise<void> {
  say('under way')
  await sleep(7_000)
  say('has ended')
}

async function main(): Promise<void> {
  if (beside === 'server') createServer((_, response) => response.end('well')).listen(0)
  if (beside === 'worker' && isMainThread) {
    const program = process.argv[1] as string
    new Worker(join(dirname(program), 'run-ts.cjs'), { argv: [program, what] })
    return
  }
  if (beside === 'unhandledRejection') process.on('unhandledRejection', (error) => say(`heard: ${String(error)}`))
  app.onStateChange(({ to: state, reason }) => {
    if (state === 'running') void running()
    if (state === 'degraded') say(`degraded: ${reason}`)
  })
  if (what === 'two apps') void otherApp()
  if (beside === 'started before') await app.start()
  const run = app.run({ timeout: '1h' })
  if (beside === 'caught') await run.catch((error: unknown) => say(`caught: ${String(error)}`))
  else if (beside === 'not awaited') void run
  else await run
  if (beside === 'not awaited') return
  const signals = ['SIGTERM', 'SIGINT'].map((name) => process.listenerCount(name))
  say(`after run, listeners ${signals.join(' ')}, live ${app.health().live}`)
}

async function otherApp(): Promise<void> {
  await createApp({ id: 'other', log: log.open(), flows: [words.to(topic('copy', text()))], createTopics: true }).run()
  say('other after run')
}

async function running(): Promise<void> {
  if (what === 'error') await log.send(words, ['a'])
  else if (what === 'for ever') await log.send(words, ['for ever'])
  else if (what === 'two apps') await log.send(words, ['longer'])
  else if (what === 'close') await app.close()
  else say('running')
}

void main()
