import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { channels } from '../../lib/core/telemetry/channels.js'
import { families } from '../../lib/watch/readings/families.js'
import { brokenLink } from '../docs/links.js'

const read = (...path: string[]): string => readFileSync(join(__dirname, '..', '..', ...path), 'utf8')
const manual = read('docs', 'metrics.md')
const dashboard = JSON.parse(read('dashboards', 'grafana.json')) as {
  panels: { title: string; type: string; targets?: { expr: string }[] }[]
}
const alerts = read('dashboards', 'alerts.yml')

/** Every name that text of Prometheus may ask for. */
const series = new Set(
  families.flatMap(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  ),
)
const labelsOf = new Map(
  families.map(({ name, labels }) => [name, new Set([...labels, 'app', 'instance', 'le', 'job'])]),
)

/** Metrics and labels in an expression that there are not. */
function unknown(expression: string): readonly string[] {
  const names = [...expression.matchAll(/\bmillrace_[a-z_]+/g)].map(([name]) => name)
  const labels = [...expression.matchAll(/\b(millrace_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = '', inner = '']) =>
    [...inner.matchAll(/([a-z_]+)(?:=|!)/g)].flatMap(([, label = '']) => {
      const known = labelsOf.get(name) ?? labelsOf.get(name.replace(/_(?:bucket|sum|count)$/, ''))
      return known?.has(label) === true ? [] : [`${name}{${label}}`]
    }),
  )
  return [...names.filter((name) => !series.has(name)), ...labels]
}

describe('the dashboard', () => {
  const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

  it('asks for metrics and labels that there are', () => {
    expect(expressions.length).toBeGreaterThan(20)
    expect(expressions.flatMap(unknown)).toEqual([])
  })

  it('shows every metric but a few', () => {
    const text = JSON.stringify(dashboard)
    const left = families.filter(({ name }) => !text.includes(name)).map(({ name }) => name)
    expect(left).toEqual([
      'millrace_needs_operator',
      'millrace_restored_bytes_total',
      'millrace_standby_records_total',
      'millrace_lookup_records_total',
      'millrace_lookup_refused_total',
      'millrace_timers_near',
      'millrace_commit_records',
      'millrace_written_records_total',
      'millrace_store_flushed_objects_total',
      'millrace_connector_state',
      'millrace_connector_partitions',
      'millrace_connector_commits_total',
      'millrace_connector_duplicates_total',
      'millrace_connector_skipped_total',
      'millrace_connector_missing_total',
      'millrace_event_loop_utilization_ratio',
      'millrace_process_external_memory_bytes',
      'millrace_process_uptime_seconds',
    ])
  })
})

describe('the alert rules', () => {
  const rules = alerts.split(/^ {6}- alert: /m).slice(1)

  it('ask for metrics and labels that there are', () => {
    expect(rules.length).toBeGreaterThan(10)
    expect(rules.flatMap(unknown)).toEqual([])
  })

  it('have a severity and a runbook each, which is there', () => {
    for (const rule of rules) {
      const name = /^\w+/.exec(rule)?.[0]
      const [, runbook] = /runbook: (\S+)/.exec(rule) ?? []
      expect([name, /severity: (?:critical|warning)/.test(rule), runbook?.startsWith('docs/operations.md#')]).toEqual([
        name,
        true,
        true,
      ])
      expect(brokenLink({ path: 'README.md', text: '' }, runbook as string)).toBeUndefined()
    }
  })
})

describe('docs/metrics.md', () => {
  it('has a row for each metric, as it is, and no other', () => {
    const rows = [...manual.matchAll(/^\| `(millrace_[a-z_]+)`\s*\| (\w+)\s*\| (.*?)\s*\| (.*?)\s*\|$/gm)]
    const told = rows.map(([, name, type, labels = '', help]) => ({
      name,
      type,
      labels: labels.match(/\w+/g) ?? [],
      help,
    }))
    const there = families.map(({ name, type, labels, help }) => ({ name, type, labels: [...labels], help }))
    const byName = (one: { name: string | undefined }, other: { name: string | undefined }): number =>
      (one.name ?? '').localeCompare(other.name ?? '')
    expect(told.sort(byName)).toEqual(there.sort(byName))
  })

  it('has a row for each channel, and no other', () => {
    const told = [...manual.matchAll(/^\| `(millrace:[a-z.-]+)`/gm)].map(([, name]) => name)
    expect(told).toEqual(Object.keys(channels))
  })
})
