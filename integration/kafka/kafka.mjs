// npm run kafka -- start|stop|status [--port N] [--dir DIR] [--secure]
// Addresses go to stdout, one a line, everything else to stderr.
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { addressIn, freePort, startBroker, stopBroker } from './broker.mjs'
import { secured } from './secure.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const usage = `usage: npm run kafka -- start|stop|status [--port N] [--dir DIR] [--secure]
  start   starts a one-node Kafka and prints its address; one that runs already is left as it is
  stop    stops it; its data stays in DIR
  status  prints its address, or fails when it does not run
  --port  9092; the next port is used too. 0 takes free ones: then name a --dir
  --dir   .kafka/PORT
  --secure  with start: listeners with TLS at PORT + 2 (SASL) and PORT + 3 (client certificates), and prints their
            addresses after the first; users, passwords and certificates are in DIR/secure
`

const commands = {
  async start({ dir, port: wanted, secure }) {
    const port = wanted === 0 ? await freePort(4) : wanted
    const security = secure ? secured({ dir, port }) : undefined
    console.log([await startBroker({ dir, port, security }), ...(security?.addresses ?? [])].join('\n'))
  },
  async stop({ dir }) {
    const where = relative(process.cwd(), dir)
    console.error(
      (await stopBroker({ dir })) ? `kafka: stopped; its data is in ${where}` : `kafka: none runs from ${where}`,
    )
  },
  async status({ dir }) {
    const address = await addressIn(dir)
    if (address === undefined) throw new Error(`none runs from ${relative(process.cwd(), dir)}`)
    console.log(address)
  },
}

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { port: { type: 'string', default: '9092' }, dir: { type: 'string' }, secure: { type: 'boolean' } },
    })
    const port = Number(values.port)
    const run = Object.hasOwn(commands, positionals[0] ?? '') ? commands[positionals[0]] : undefined
    if (run === undefined || positionals.length !== 1) return undefined
    if (!Number.isInteger(port) || port < 0 || port > 65_532) return undefined
    if (port === 0 && values.dir === undefined) return undefined
    return { run, port, dir: values.dir ?? join(root, '.kafka', values.port), secure: values.secure ?? false }
  } catch {
    return undefined
  }
}

const chosen = options()
if (chosen === undefined) {
  process.stderr.write(usage)
  process.exitCode = 2
} else {
  try {
    await chosen.run(chosen)
  } catch (error) {
    console.error(`kafka: ${error.message}`)
    process.exitCode = 1
  }
}
