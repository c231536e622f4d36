import { z } from 'zod'
import { createApp } from '../../lib/app/create-app.js'
import { json } from '../../lib/codec/json/json.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'

// An instance of an app that is asked for its state: `asked-app.ts <brokers> <app id> <data dir>`. It ends with its stdin.
const [brokers = '', id = '', dataDir = ''] = process.argv.slice(2)

export const askedOptions = (appId: string) => {
  const inputs = topic(`${appId}-inputs`, json(z.object({ lane: z.string(), key: z.string() })), { partitions: 4 })
  const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    inputs,
    ({ key }) => key,
    (state) => void state.n++,
  )
  return {
    inputs,
    counter,
    options: { id: appId, objects: [counter], sessionTimeout: '6s', http: { port: 0 } } as const,
  }
}

if (brokers !== '') {
  const app = createApp({ ...askedOptions(id).options, kafka: { brokers: brokers.split(',') }, dataDir })
  void app.start().then(() => process.stdout.write('running\n'))
  process.stdin.resume()
  process.stdin.once('end', () => void app.close().then(() => process.exit(0)))
}
