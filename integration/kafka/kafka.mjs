// npm run kafka -- start|stop|status|kill [--port N] [--dir DIR] [--secure] [--nodes 3] [--node K]
// Addresses go to stdout, everything else to stderr.
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { addressIn, startBroker, stopBroker } from './broker.mjs'
import { clusterIn, isCluster, killNode, portsOf, startCluster, startNode, stopCluster } from './cluster.mjs'
import { freePort } from './ports.mjs'
import { runChosen } from './program.mjs'
import { secured } from './secure.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const usage = `usage: npm run kafka -- start|stop|status|kill [--port N] [--dir DIR] [--secure] [--nodes 3] [--node K]
  start   starts a one-node Kafka and prints its address; one that runs already is left as it is
  stop    stops it; its data stays in DIR
  status  prints its address, or fails when it does not run
  --port  9092; the next port is used too. 0 takes free ones: then name a --dir
  --dir   .kafka/PORT
  --secure  with start: listeners with TLS at PORT + 2 (SASL) and PORT + 3 (client certificates), and prints their
            addresses after the first; users, passwords and certificates are in DIR/secure
Three brokers that replicate everything, at PORT, PORT + 2 and PORT + 4:
  start --nodes 3   starts those that do not run and prints all addresses in one line, with commas between them
  start --node K    starts the K-th again and waits until it is in sync
  kill --node K     ends the K-th with kill -9
`

const commands = {
  async start({ dir, port: wanted, secure, nodes, node }) {
    if (node !== undefined) return console.log(await startNode({ dir, node }))
    if (nodes === 1 && isCluster(dir)) throw new Error(`${here(dir)} belongs to three brokers; use --nodes 3.`)
    const port = wanted === 0 ? await freePort(nodes === 1 ? 4 : portsOf(nodes)) : wanted
    if (nodes > 1) return console.log(await startCluster({ dir, port, nodes }))
    const security = secure ? secured({ dir, port }) : undefined
    console.log([await startBroker({ dir, port, security }), ...(security?.addresses ?? [])].join('\n'))
  },
  async kill({ dir, node }) {
    console.error(`kafka: node ${node} ${(await killNode({ dir, node })) ? 'is gone' : 'was not running'}`)
  },
  async stop({ dir }) {
    const stopped = isCluster(dir) ? await stopCluster({ dir }) : await stopBroker({ dir })
    console.error(stopped ? `kafka: stopped; its data is in ${here(dir)}` : `kafka: none runs from ${here(dir)}`)
  },
  async status({ dir }) {
    if (!isCluster(dir)) {
      const address = await addressIn(dir)
      if (address === undefined) throw new Error(`none runs from ${here(dir)}`)
      return console.log(address)
    }
    const { addresses, answering, nodes } = await clusterIn(dir)
    console.log(addresses)
    if (answering.length < nodes) throw new Error(`of ${nodes} nodes answer: ${answering.join(', ') || 'none'}`)
  },
}

function here(dir) {
  return relative(process.cwd(), dir)
}

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        port: { type: 'string', default: '9092' },
        dir: { type: 'string' },
        secure: { type: 'boolean', default: false },
        nodes: { type: 'string', default: '1' },
        node: { type: 'string' },
      },
    })
    const [command] = positionals
    const run = Object.hasOwn(commands, command ?? '') ? commands[command] : undefined
    const { secure } = values
    const [port, nodes] = [values.port, values.nodes].map(Number)
    const node = values.node === undefined ? undefined : Number(values.node)
    if (run === undefined || positionals.length !== 1) return undefined
    if (!Number.isInteger(port) || port < 0 || port > 65_530) return undefined
    // A cluster of another size would need other replication factors than the ones it is given.
    if ((nodes !== 1 && nodes !== 3) || (nodes === 3 && secure)) return undefined
    if (node !== undefined ? !(command === 'start' || command === 'kill') : command === 'kill') return undefined
    if (port === 0 && values.dir === undefined) return undefined
    return { run, port, nodes, node, secure, dir: values.dir ?? join(root, '.kafka', values.port) }
  } catch {
    return undefined
  }
}

await runChosen('kafka', usage, options())
