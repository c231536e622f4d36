import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { json, kafkaLog, topic } from 'millrace'
import { z } from 'zod'
import { freePort } from '../test/free-port.js'
import { sendUntilAnswered } from '../test/resending-sender.js'
import { readAll } from '../test/reading.js'
import { receiver } from '../examples/11-tcp-word-count/receiver.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const program = join(process.cwd(), 'build', 'integration', 'tcp', 'main.js')
const count = 10_000

describeWithKafka('TCP in and out of an app that is killed', (brokers) => {
  it('loses nothing and doubles nothing on the way in, and loses nothing on the way out', async () => {
    await using log = kafkaLog({ brokers })
    const app = nextName('tcp')
    const port = await freePort()
    const back = new Set<string>()
    const receiving = await receiver((line) => back.add(line))
    let child: ChildProcess | undefined
    let kills = 0
    const start = (): void => {
      child = spawn(process.execPath, [program, brokers.join(','), app, String(port), String(receiving.port)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
    }
    start()
    const exited = once(child!, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)))
    await Promise.race([once(createInterface(child!.stdout!), 'line'), exited])
    exited.catch(() => undefined)
    const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ id: `id-${n}`, n }))
    const { sent, refused } = await sendUntilAnswered({
      port: () => port,
      lines,
      meanwhile(answered) {
        if (kills >= 2 || answered < (kills + 1) * (count / 4)) return
        kills++
        child!.once('exit', start)
        child!.kill('SIGKILL')
      },
    })
    expect([kills, refused]).toEqual([2, []])
    const events = topic(`${app}-events`, json(z.object({ id: z.string(), n: z.number() })))
    const got = (await readAll(log, events)).map(({ value }) => value!.n).sort((a, b) => a - b)
    expect(got).toEqual(Array.from({ length: count }, (_, n) => n))
    while (back.size < count) await new Promise((resolve) => setTimeout(resolve, 50))
    expect([...back].map((line) => (JSON.parse(line) as { n: number }).n).sort((a, b) => a - b)).toEqual(got)
    console.log(`${count} lines in, ${sent} sent, ${kills} kills`)
    child!.removeAllListeners('exit')
    child!.kill('SIGTERM')
    await once(child!, 'exit')
    receiving.close()
  }, 120_000)
})
