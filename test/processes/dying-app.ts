import { createServer } from 'node:http'
import { z } from 'zod'
import { text } from '../../lib/codec/codec.js'
import { createApp } from '../../lib/app/create-app.js'
import { memoryLog } from '../../lib/memory/memory-log.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'

// An app that a handler's error stops, as services are written: `dying-app.ts <beside> <who hears of it>`.
const [beside, hearing] = process.argv.slice(2)

const words = topic('words', text())
const kind = stateObject('word', { state: z.object({}), init: () => ({}) }).on(
  words,
  { key: (word) => word, onError: { attempts: 1, then: 'stop' } },
  () => {
    throw new Error('the disk of the printer is full')
  },
)
const log = memoryLog({ partitions: 1 })
const app = createApp({ id: 'shop', log: log.open(), objects: [kind], createTopics: hearing !== 'start' })

const say = (what: string): boolean => process.stdout.write(`${what}\n`)
const hear = (error: unknown): void => void say(`heard: ${String(error)}`)

async function main(): Promise<void> {
  if (beside === 'server') createServer((_, response) => response.end('well')).listen(0)
  if (hearing === 'closed') app.closed().catch(hear)
  if (hearing === 'start') return app.start().catch(hear)
  await app.start()
  if (hearing === 'close') return app.close()
  await log.send(words, ['a'])
  if (hearing === 'drained') await app.drained().catch(hear)
  if (hearing === 'close while it fails') {
    while (app.health().live) await new Promise(setImmediate)
    await app.close()
    say('closed')
  }
}

void main()
