// Starts and stops a real Kafka: one node, KRaft, from Maven jars, without Docker.
import { resolve } from 'node:path'
import { answers } from './answers.mjs'
import { dataOf, endNode, hasData, launchNode, newClusterId, nodeIn, prepareNode, untilNode } from './node.mjs'
import { requireFree } from './ports.mjs'
import { common, identityOf } from './properties.mjs'

export { freePort } from './ports.mjs'

/**
 * Starts the broker whose data is in `dir`, unless it runs already, and waits until it answers. `security` is what
 * `secured` of secure.mjs returns, for listeners with TLS besides. Returns its address. Throws with a sentence for people.
 */
export async function startBroker({ dir, port, security }) {
  const at = resolve(dir)
  const running = nodeIn(at)
  if (running === undefined) {
    await requireFree(port, security === undefined ? 2 : 4)
    const properties = propertiesOf(at, port, security)
    await prepareNode({ dir: at, properties, clusterId: newClusterId(), formatArguments: security?.formatArguments })
    const heap = (process.env.KAFKA_HEAP_OPTS ?? '-Xmx1g').split(' ')
    launchNode({ dir: at, port, machine: [...heap, '-XX:+UseG1GC'] })
  }
  await untilNode(at, answers)
  return addressOf(running?.port ?? port)
}

/** Stops the broker whose data is in `dir` and waits for its end. Returns false when none was running. */
export async function stopBroker({ dir, ...how }) {
  return await endNode({ dir: resolve(dir), ...how })
}

/** The address of the broker whose data is in `dir`, or undefined when it does not run or does not answer. */
export async function addressIn(dir) {
  const running = nodeIn(resolve(dir))
  return running !== undefined && (await answers(running.port)) ? addressOf(running.port) : undefined
}

function propertiesOf(dir, port, { listeners, properties = '' } = {}) {
  const identity = identityOf({ node: 1, port, data: dataOf(dir), voters: [[1, port]], listeners })
  return `${identity}${common}offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
${hasData(dir) ? comesBack : ''}${properties}`
}

/** A node that was killed is let in again when its last session has ended, which takes 9 s by default. */
const comesBack = `broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
`

function addressOf(port) {
  return `127.0.0.1:${port}`
}
