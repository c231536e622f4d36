import { html, useState, type VNode } from '../html.js'
import { milliseconds, rate, short, visibleKey } from '../format.js'
import { Badge, Card, Empty } from '../parts/basics.js'
import { Chart, type Line } from '../parts/chart.js'
import type { PartitionLine, Series } from '../rates.js'
import { Restoring } from './restoring.js'
import { conditionOf, type ViewProps } from './view.js'

/** Lines in one chart: more could not be told apart. */
const mostLines = 8
const mostRows = 500

export function Tasks({ snapshot, rates, topology }: ViewProps): VNode {
  // The app's own come last.
  const isOwn = (name: string): boolean => topology?.nodes.every((node) => node.id !== `topic:${name}`) ?? false
  const all = [...new Set(rates.partitions.map(({ topic }) => topic))].sort()
  const topics = [...all.filter((name) => !isOwn(name)), ...all.filter(isOwn)]
  const [picked, setPicked] = useState<string>()
  const topic = picked !== undefined && topics.includes(picked) ? picked : topics[0]
  const lines = rates.partitions.filter((line) => line.topic === topic).sort((a, b) => a.partition - b.partition)
  // The busiest, or those farthest behind.
  const charted = [...lines]
    .sort((a, b) => (b.lag ?? 0) - (a.lag ?? 0))
    .slice(0, mostLines)
    .sort((a, b) => a.partition - b.partition)
  const of = (all: ReadonlyMap<string, Series>): readonly Line[] =>
    charted.map((line) => ({ name: `${line.partition}`, values: all.get(`${line.topic}/${line.partition}`) ?? [] }))
  return html`<div class="stack">
    <${Restoring} snapshot=${snapshot} />
    <${Card} title="Tasks by instance"
      ><div class="owners">
        ${snapshot.members.map(
          (member) =>
            html`<div class="owner" key=${member.instance}>
              <div class="owner-name">
                <a href="#instances">${visibleKey(member.instance, 60)}</a>
                <${Badge} tone=${conditionOf(member).tone}>${conditionOf(member).word}<//>
              </div>
              <div class="chips">
                ${member.tasks.length === 0 && html`<span class="soft">no tasks</span>`}
                ${member.tasks.map((task) => html`<span class=${`chip ${stateOf(member, task)}`} key=${`t${task}`} title=${stateOf(member, task)}>${task}</span>`)}
                ${member.standbys.map((task) => html`<span class="chip standby" key=${`s${task}`} title="standby">${task}</span>`)}
              </div>
            </div>`,
        )}
      </div>
      <p class="key">
        <span class="chip running">n</span> runs <span class="chip restoring">n</span> being restored
        <span class="chip away">n</span> instance away <span class="chip standby">n</span> standby
      </p>
    <//>
    ${
      topic === undefined
        ? html`<${Card} title="Partitions"
            ><${Empty} title="No partition is read yet"
              >Partitions appear when an instance that can be asked runs their task.<//
            ><//
          >`
        : html`<${Card}
            title="Partitions"
            more=${html`<label class="inline"
              >Topic
              <select value=${topic} onChange=${(event: Event) => setPicked((event.target as HTMLSelectElement).value)}>
                ${topics.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
              </select></label
            >`}
          >
            <div class="charts inner">
              <${Chart}
                key=${`lag ${topic}`}
                title="Lag per partition"
                at=${rates.at}
                lines=${of(rates.partitionLag)}
                show=${short}
                isCount=${true}
              />
              <${Chart}
                key=${`rate ${topic}`}
                title="Read per partition"
                at=${rates.at}
                lines=${of(rates.partitionRate)}
                show=${rate}
              />
            </div>
            ${lines.length > mostLines && html`<p class="soft pad">The charts show the ${mostLines} partitions that are farthest behind.</p>`}
            <${PartitionTable} lines=${lines} />
          <//>`
    }
  </div>`
}

function PartitionTable({ lines }: { lines: readonly PartitionLine[] }): VNode {
  const most = Math.max(1, ...lines.map(({ lag }) => lag ?? 0))
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Partitions">
    <table>
      <thead>
        <tr>
          <th scope="col">Partition</th>
          <th scope="col">Instance</th>
          <th scope="col" class="number">Position</th>
          <th scope="col" class="number">End</th>
          <th scope="col" class="number">Lag</th>
          <th scope="col" class="number" title="Age of the first record that waits">Behind</th>
          <th scope="col" class="wide"><span class="unseen">Share</span></th>
          <th scope="col" class="number">Read</th>
        </tr>
      </thead>
      <tbody>
        ${lines.slice(0, mostRows).map(
          ({ partition, instance, position, end, lag, lagSeconds, rate: speed }) =>
            html`<tr key=${partition}>
              <th scope="row">${partition}</th>
              <td>${visibleKey(instance, 60)}</td>
              <td class="number">${short(position)}</td>
              <td class="number">${end === undefined ? '–' : short(end)}</td>
              <td class="number">${lag === undefined ? '–' : short(lag)}</td>
              <td class="number">${lagSeconds === undefined ? '–' : milliseconds(lagSeconds * 1_000)}</td>
              <td class="wide"><meter min="0" max=${most} value=${lag ?? 0} aria-hidden="true"></meter></td>
              <td class="number">${rate(speed)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function stateOf({ report }: ViewProps['snapshot']['members'][number], task: number): 'running' | 'restoring' | 'away' {
  if (report === undefined) return 'away'
  return report.tasks.some((each) => each.task === task) ? 'running' : 'restoring'
}
