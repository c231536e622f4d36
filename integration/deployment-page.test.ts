import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { transformSync } from '@swc/core'
import { Kafka, logLevel } from 'kafkajs'
import { freePort } from '../test/free-port.js'
import { stepsOf } from './docs/steps.js'
import { OwnBroker } from './setup/own-broker.js'
import { describeWithKafka } from './setup/with-kafka.js'

const root = join(__dirname, '..')
const files = [...stepsOf('docs/start.md'), ...stepsOf('docs/deployment.md')].flatMap((step) =>
  step.kind === 'file' && ['account.js', 'app.ts'].includes(step.name) ? [step] : [],
)
const token = 'a-token-of-more-than-16-characters'

describeWithKafka('the program of docs/deployment.md', () => {
  it('is ready with the variables that the manifests set, is asked with the token only, and ends well at SIGTERM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-deployment-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'millrace'))
    symlinkSync(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    for (const { name, text } of files) {
      const options = { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } } as const
      writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), transformSync(text, options).code)
    }
    const broker = await OwnBroker.start()
    const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createTopics({ topics: ['payments', 'balances'].map((topic) => ({ topic, numPartitions: 4 })) })
    await admin.disconnect()
    const port = await freePort()
    const env = {
      ...process.env,
      BROKERS: broker.address,
      DATA_DIR: join(folder, 'data'),
      HTTP_PORT: String(port),
      HTTP_TOKEN: token,
      POD_NAME: 'bank-0',
      POD_IP: '127.0.0.1',
    }
    const child = spawn(process.execPath, ['app.js'], { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'] })
    try {
      const ask = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
        (await fetch(`http://127.0.0.1:${port}${path}`, { headers }).catch(() => undefined))?.status ?? 0
      while ((await ask('/readyz')) !== 200 && child.exitCode === null) await setTimeout(50)
      expect(await ask('/livez')).toBe(200)
      expect(await ask('/metrics')).toBe(401)
      expect(await ask('/metrics', { authorization: `Bearer ${token}` })).toBe(200)
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
      await broker.remove()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 120_000)
})
