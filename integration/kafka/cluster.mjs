// Three brokers on one machine, each a process with a directory of its own, replicating everything: RF 3, min.isr 2.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { answers, metadataFrom } from './answers.mjs'
import { classPath } from './jars.mjs'
import { dataOf, endNode, launchNode, newClusterId, nodeIn, prepareNode, untilNode } from './node.mjs'

import { requireFree } from './ports.mjs'
import { common, identityOf } from './properties.mjs'

/** Ports a cluster takes: two a node, from its port on. */
export const portsOf = (nodes) => 2 * nodes

const replication = `default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
# A killed broker is noticed within 4 s; by default it takes 9. Shorter times depose brokers that only wait for a CPU.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=5000
# Leaders move when a test moves them, not when a broker has come back.
auto.leader.rebalance.enable=false
`

/** Whether the data in `dir` belongs to a cluster. */
export const isCluster = (dir) => existsSync(clusterFile(dir))

/** Starts those nodes that do not run, and waits until all know each other. Returns their addresses, joined by commas. */
export async function startCluster({ dir, port, nodes }) {
  const cluster = isCluster(dir) ? read(dir) : await make(resolve(dir), port, nodes)
  const stopped = numbersOf(cluster).filter((node) => nodeIn(nodeDir(dir, node)) === undefined)
  for (const node of stopped) await requireFree(portOf(cluster, node), 2)
  for (const node of stopped) launch(dir, cluster, node)
  const knowsAll = async (at) => (await metadataFrom(at))?.brokers.length === cluster.nodes
  await Promise.all(numbersOf(cluster).map((node) => untilNode(nodeDir(dir, node), knowsAll)))
  return addresses(cluster)
}

/** Starts one node again and waits until it is in sync with the leaders of all its partitions. Returns its address. */
export async function startNode({ dir, node }) {
  const cluster = read(dir)
  requireNode(cluster, node)
  if (nodeIn(nodeDir(dir, node)) === undefined) launch(dir, cluster, node)
  await untilNode(nodeDir(dir, node), answers)
  // Those without a leader wait for other nodes, which this one cannot do anything about.
  const isInSync = async (at) =>
    (await metadataFrom(at))?.partitions.every(
      ({ leader, replicas, inSync }) => leader < 0 || !replicas.includes(node) || inSync.includes(node),
    )
  await untilNode(nodeDir(dir, node), isInSync)
  return addressOf(cluster, node)
}

/** `kill -9` of one node; resolves when it is gone. Returns false when it was not running. */
export async function killNode({ dir, node }) {
  requireNode(read(dir), node)
  return await endNode({ dir: nodeDir(dir, node), signal: 'SIGKILL' })
}

/** Stops all nodes. Returns how many were running. */
export async function stopCluster({ dir, signal, patienceMs = 10_000 }) {
  // The last ones find no majority to tell, and would wait for it.
  const ended = numbersOf(read(dir)).map((node) => endNode({ dir: nodeDir(dir, node), signal, patienceMs }))
  return (await Promise.all(ended)).filter((wasRunning) => wasRunning).length
}

/** The addresses of all nodes, and the numbers of those that answer. */
export async function clusterIn(dir) {
  const cluster = read(dir)
  const answering = []
  for (const node of numbersOf(cluster)) {
    const running = nodeIn(nodeDir(dir, node))
    if (running !== undefined && (await answers(running.port))) answering.push(node)
  }
  return { addresses: addresses(cluster), answering, nodes: cluster.nodes }
}

async function make(dir, port, nodes) {
  const cluster = { port, nodes }
  const clusterId = newClusterId()
  const voters = numbersOf(cluster).map((node) => [node, portOf(cluster, node)])
  classPath() // once, so that only one of them fetches the jars
  const prepared = voters.map(([node, at]) => {
    const own = nodeDir(dir, node)
    const identity = identityOf({ node, port: at, data: dataOf(own), voters })
    return prepareNode({ dir: own, properties: `${identity}${common}${replication}`, clusterId })
  })
  await Promise.all(prepared)
  mkdirSync(dir, { recursive: true })
  writeFileSync(clusterFile(dir), JSON.stringify(cluster))
  return cluster
}

function launch(dir, cluster, node) {
  const heap = (process.env.KAFKA_HEAP_OPTS ?? '-Xmx384m -Xms128m').split(' ')
  // Three on one machine, started often: the first compiler alone takes 6 s of CPU until one answers instead of 10.
  const machine = [...heap, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  launchNode({ dir: nodeDir(dir, node), port: portOf(cluster, node), machine })
}

function requireNode(cluster, node) {
  if (numbersOf(cluster).includes(node)) return
  throw new Error(`there is no node ${node}: they are ${numbersOf(cluster).join(', ')}.`)
}

function read(dir) {
  if (!isCluster(dir)) throw new Error(`no cluster has been started in ${dir}; use start --nodes 3.`)
  return JSON.parse(readFileSync(clusterFile(dir), 'utf8'))
}

function clusterFile(dir) {
  return join(dir, 'cluster.json')
}
function nodeDir(dir, node) {
  return join(resolve(dir), `node-${node}`)
}
function numbersOf({ nodes }) {
  return Array.from({ length: nodes }, (_, i) => i + 1)
}
function portOf({ port }, node) {
  return port + 2 * (node - 1)
}
function addressOf(cluster, node) {
  return `127.0.0.1:${portOf(cluster, node)}`
}
function addresses(cluster) {
  return numbersOf(cluster)
    .map((node) => addressOf(cluster, node))
    .join(',')
}
