import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connect } from 'amqplib'
import { createApp, kafkaLog, memoryLog } from 'millrace'
import { table, valuesOf } from '../shared/run.js'
import { account, alerts, arriving, leaving, type Alert } from './payments.js'

const { values: args } = parseArgs({
  options: {
    url: { type: 'string', default: 'amqp://guest:guest@localhost:5672' },
    brokers: { type: 'string' },
    'app-id': { type: 'string', default: 'payments' },
  },
})
const log = args.brokers === undefined ? memoryLog() : kafkaLog({ brokers: args.brokers.split(',') })

/** Payments of five accounts, the same each time, as any other service would send them. */
async function sendPayments(count: number): Promise<void> {
  const connection = await connect(args.url)
  const channel = await connection.createConfirmChannel()
  for (const queue of ['payments', 'alerts']) await channel.assertQueue(queue)
  for (let n = 0; n < count; n++) {
    const payment = { account: `account-${n % 5}`, amount: ((n * 7_919) % 201) - 95 }
    // The messageId makes a message that is delivered twice count once.
    channel.sendToQueue('payments', Buffer.from(JSON.stringify(payment)), {
      messageId: `payment-${n}`,
      persistent: true,
    })
  }
  await channel.waitForConfirms()
  await connection.close()
}

/** Takes alerts out of their queue, each messageId once, until there have been so many. */
async function receiveAlerts(count: number): Promise<Alert[]> {
  const connection = await connect(args.url)
  const channel = await connection.createChannel()
  const received = new Map<string, Alert>()
  while (received.size < count) {
    const message = await channel.get('alerts')
    if (message === false) {
      await sleep(20)
      continue
    }
    received.set(String(message.properties.messageId), JSON.parse(message.content.toString()) as Alert)
    channel.ack(message)
  }
  await connection.close()
  return [...received.values()]
}

const app = createApp({
  id: args['app-id'],
  log,
  objects: [account],
  sources: [arriving(args.url)],
  sinks: [leaving(args.url)],
  createTopics: true,
})
try {
  await sendPayments(1_000)
  await app.start()
  while (app.stats().turns < 1_000) await sleep(20)
  await app.drained()
  const alerted = await receiveAlerts((await valuesOf(log, alerts)).length)
  const names = [...new Set(alerted.map(({ account }) => account))].sort()
  const balances = (name: string): number[] =>
    alerted.filter((each) => each.account === name).map((each) => each.balance)
  table(
    ['account', 'times below zero', 'lowest'],
    names.map((name) => [name, balances(name).length, Math.min(...balances(name))]),
  )
} finally {
  await app.close()
  await log[Symbol.asyncDispose]()
}
