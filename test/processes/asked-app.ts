import { createApp } from '../../lib/app/create-app.js'
import { askedOptions } from '../queries/asked-options.js'

// An instance of an app that is asked for its state: `asked-app.ts <brokers> <app id> <data dir>`. It ends with its stdin.
const [brokers = '', id = '', dataDir = ''] = process.argv.slice(2)

const app = createApp({ ...askedOptions(id).options, kafka: { brokers: brokers.split(',') }, dataDir })
void app.start().then(() => process.stdout.write('running\n'))
process.stdin.resume()
process.stdin.once('end', () => void app.close().then(() => process.exit(0)))
