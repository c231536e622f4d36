import { html, type VNode } from '../html.js'
import { milliseconds, rate, short } from '../format.js'
import { Card, Empty, Tile, Waiting } from '../parts/basics.js'
import { Chart } from '../parts/chart.js'
import { TopologyView } from '../parts/topology.js'
import { Restoring } from './restoring.js'
import { conditionOf, total, type ViewProps } from './view.js'

export function Overview({ snapshot, rates, topology }: ViewProps): VNode {
  const { members } = snapshot
  const well = members.filter((member) => conditionOf(member).tone === 'good').length
  const [quarantined, letters] = [
    total(snapshot, ({ counts }) => counts.quarantined),
    total(snapshot, ({ counts }) => counts.deadLetters),
  ]
  const lag = total(snapshot, ({ health }) => health.lag)
  const tasks = total(snapshot, (report) => report.tasks.length)
  const last = (series: readonly (number | null)[]): number | undefined => series.at(-1) ?? undefined
  const speed = last(rates.read)
  return html`<div class="stack">
    <div class="tiles">
      <${Tile}
        name="Instances"
        value=${`${well} / ${members.length}`}
        note="running"
        tone=${well === members.length ? 'calm' : 'bad'}
        to="instances"
      />
      <${Tile}
        name="Read, with hops"
        value=${rate(speed)}
        note=${`${short(total(snapshot, ({ counts }) => counts.records))} since start`}
      />
      <${Tile} name="Lag" value=${short(lag)} note=${behind(lag, speed)} to="tasks" />
      <${Tile}
        name="Commit"
        value=${milliseconds(last(rates.commitMs))}
        note=${`${short(total(snapshot, ({ counts }) => counts.commits))} made`}
      />
      <${Tile}
        name="Turn"
        value=${milliseconds(last(rates.turnMs))}
        note=${`${short(total(snapshot, ({ counts }) => counts.turns))} taken`}
      />
      <${Tile}
        name="Dead letters"
        value=${short(letters)}
        note="since start"
        tone=${letters > 0 ? 'warn' : 'calm'}
        to="letters"
      />
      <${Tile}
        name="Quarantined"
        value=${short(quarantined)}
        note=${quarantined === 1 ? 'object' : 'objects'}
        tone=${quarantined > 0 ? 'bad' : 'calm'}
        to="quarantine"
      />
      <${Tile} name="Tasks" value=${short(tasks)} note="running" to="tasks" />
    </div>
    <${Restoring} snapshot=${snapshot} />
    <${Card} title="Topology">
      ${
        topology === undefined
          ? html`<${Waiting} />`
          : topology.nodes.length === 0
            ? html`<${Empty} title="The app reads and writes nothing" />`
            : html`<${TopologyView} topology=${topology} rates=${rates} />`
      }
    <//>
    <div class="charts">
      <${Card}
        ><${Chart}
          title="Throughput"
          at=${rates.at}
          lines=${[
            { name: 'records read, hops included', values: rates.read },
            { name: 'turns', values: rates.turns },
          ]}
          show=${rate}
      /><//>
      <${Card}
        ><${Chart}
          title="Lag"
          at=${rates.at}
          lines=${[{ name: 'records', values: rates.lag }]}
          show=${short}
          isCount=${true}
      /><//>
      <${Card}
        ><${Chart}
          title="Commit time"
          at=${rates.at}
          lines=${[{ name: 'mean', values: rates.commitMs }]}
          show=${milliseconds}
      /><//>
      <${Card}
        ><${Chart}
          title="Turn time"
          at=${rates.at}
          lines=${[{ name: 'mean', values: rates.turnMs }]}
          show=${milliseconds}
      /><//>
    </div>
  </div>`
}

function behind(lag: number, speed: number | undefined): string {
  if (lag === 0) return 'caught up'
  return speed === undefined || speed === 0 ? 'records' : `records, ${milliseconds((lag / speed) * 1_000)} of reading`
}
