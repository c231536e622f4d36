import type { ConnectorReport, InstanceReport, MemberView } from '../../lib/watch/overview/shapes.js'
import { html, type VNode } from '../html.js'
import { bytes, milliseconds, short, span, visible, visibleKey } from '../format.js'
import { Badge, Card, Empty, Field, type Tone } from '../parts/basics.js'
import { conditionOf, type ViewProps } from './view.js'

export function Instances({ snapshot }: ViewProps): VNode {
  if (snapshot.members.length === 0) return html`<${Card}><${Empty} title="Nobody is in the group" /><//>`
  return html`<div class="grid">
    ${snapshot.members.map((member) => html`<${Member} key=${member.instance} member=${member} isAsked=${member.instance === snapshot.asked} />`)}
  </div>`
}

function Member({ member, isAsked }: { member: MemberView; isAsked: boolean }): VNode {
  const { instance, host, http, tasks, standbys, report, away } = member
  const { tone, word } = conditionOf(member)
  return html`<${Card}
    title=${visibleKey(instance, 60)}
    more=${html`<span class="buttons">${isAsked && html`<${Badge} tone="info">this page<//>`}<${Badge} tone=${tone}>${word}<//></span>`}
  >
    <div class="detail">
      ${away !== undefined && html`<div class="notice bad"><p>It cannot be asked: ${visible(away, 500)}</p></div>`}
      ${report?.health.reason !== undefined && html`<div class="notice warn"><p>${visible(report.health.reason, 1_000)}</p></div>`}
      ${report !== undefined && report.health.paused.length > 0 && html`<div class="notice warn"><p>Paused: ${report.health.paused.join(', ')}</p></div>`}
      ${(report?.health.needsOperator ?? []).map((what) => html`<div class="notice warn"><p>${visible(what, 1_000)}</p></div>`)}
      <dl class="fields">
        ${host !== '' && html`<${Field} name="Host">${host}<//>`}
        <${Field} name="Address">${http === undefined ? 'none' : visible(http, 100)}<//>
        <${Field} name="Tasks">${tasks.length === 0 ? 'none' : tasks.join(', ')}<//>
        ${standbys.length > 0 && html`<${Field} name="Standbys">${standbys.join(', ')}<//>`}
        ${
          report !== undefined &&
          html`<${Field} name="Lag">${short(report.health.lag)}<//>
            <${Field} name="Records">${short(report.counts.records)}<//>
            <${Field} name="Turns"
              >${short(report.counts.turns)}${report.counts.failed > 0 && `, ${short(report.counts.failed)} failed`}<//
            >
            <${Field} name="Commits"
              >${short(report.counts.commits)}${report.counts.rollbacks > 0 && `, ${short(report.counts.rollbacks)} rolled back`}<//
            >
            ${report.sinceCommitMs !== undefined && html`<${Field} name="Last commit">${milliseconds(report.sinceCommitMs)} ago<//>`}
            <${Field} name="Memory">${bytes(report.memoryBytes)}<//>
            <${Field} name="Up">${span(report.now - report.startedAt)}<//>
            <${Field} name="Runs">${runs(report)}<//>`
        }
      </dl>
      ${
        report !== undefined &&
        report.connectors.length > 0 &&
        html`<h3>Sources and sinks</h3>
          <ul class="connectors">
            ${report.connectors.map((each) => html`<${Connector} key=${`${each.kind} ${each.name}`} connector=${each} />`)}
          </ul>`
      }
    </div>
  <//>`
}

const runs = ({ version, node, pid }: InstanceReport): string =>
  `${version === undefined ? '' : `version ${visible(version, 60)}, `}Node ${node}, pid ${pid}`

const tones: Readonly<Record<string, Tone>> = { running: 'good', retrying: 'warn', stopped: 'bad' }

function Connector({
  connector: { kind, name, connector, state, reason, records, lag, deadLetters },
}: {
  connector: ConnectorReport
}): VNode {
  return html`<li>
    <span class="row-line"
      ><${Badge} tone=${tones[state] ?? 'calm'}>${state}<//>${kind} <strong>${name}</strong>
      <small>${connector}</small></span
    >
    <span class="soft"
      >${short(records)}
      records${lag !== undefined && `, lag ${short(lag)}`}${deadLetters > 0 && `, ${short(deadLetters)} dead letters`}${reason !== undefined && `: ${visible(reason, 300)}`}</span
    >
  </li>`
}
