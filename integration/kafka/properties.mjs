// What all brokers of these scripts are told, whether one or three.
export const common = `process.roles=broker,controller
controller.listener.names=CONTROLLER
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
# Crash tests wait for sessions to end; the default lower bound is 6 s.
group.min.session.timeout.ms=1000
# A topic with small segment.ms and min.cleanable.dirty.ratio is compacted within about a second; the default looks every 15 s.
log.cleaner.backoff.ms=200
log.segment.delete.delay.ms=1000
log.retention.check.interval.ms=1000
`

/** Who a node is: it listens for clients at `port` and for controllers at the next one, and data is in `data`. */
export function identityOf({ node, port, data, voters, listeners = '' }) {
  return `node.id=${node}
controller.quorum.voters=${voters.map(([id, at]) => `${id}@127.0.0.1:${at + 1}`).join(',')}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}${listeners}
log.dirs=${data}
`
}
