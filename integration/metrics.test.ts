import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, kafkaLog, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { nextName } from './names.js'
import { Prometheus, promtool } from './setup/prometheus.js'
import { describeWithKafka } from './setup/with-kafka.js'

const root = join(__dirname, '..')
const rules = join(root, 'dashboards', 'alerts.yml')
const dashboard = JSON.parse(readFileSync(join(root, 'dashboards', 'grafana.json'), 'utf8')) as {
  panels: { title: string; targets?: { expr: string }[] }[]
}
const token = 'a-token-of-some-length'

describeWithKafka('the metrics of an app on Kafka', (brokers) => {
  it('are what Prometheus takes, scraped by one that knows the alert rules and the dashboard', async () => {
    await using log = kafkaLog({ brokers })
    const id = nextName('metrics')
    const words = topic(`${id}-words`, z.string(), { partitions: 3 })
    const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      words,
      { key: (word) => word, onError: { attempts: 1 } },
      (state, word) => {
        if (word === 'bad') throw new Error('it is bad')
        state.n++
      },
    )
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-metrics-'))
    const app = createApp({ id, objects: [counter], log, createTopics: true, dataDir, http: { port: 0, token } })
    try {
      expect(await promtool(['check', 'metrics'], await app.metrics())).toBe('')
      await app.start()
      const url = app.http?.url as string
      expect((await fetch(`${url}/metrics`)).status).toBe(401)
      await using prometheus = await Prometheus.start([{ url, token }], rules)
      await prometheus.until(`millrace_ready{app="${id}"}`, (value) => value === 1)
      await log.send(words, ['a', 'b', 'c', 'a', 'bad'], { key: (word) => word })
      await app.drained()
      expect(await promtool(['check', 'metrics'], await app.metrics())).toBe('')
      const of = (name: string, labels = ''): string => `sum(${name}{app="${id}"${labels}})`
      await prometheus.until(of('millrace_turns_total', ',kind="counter"'), (turns) => turns === 4)
      await prometheus.until(of('millrace_dead_letters_total', ',code="HANDLER_FAILED"'), (letters) => letters === 1)
      await prometheus.until(of('millrace_commit_duration_seconds_count'), (commits) => commits > 0)
      await prometheus.until(of('millrace_lag_records'), (lag) => lag === 0)
      await prometheus.until(of('millrace_store_bytes'), (bytes) => bytes > 0)
      // What is told from 0 on rises.
      await prometheus.until(`sum(increase(millrace_dead_letters_total{app="${id}"}[1m]))`, (letters) => letters > 0)
      await prometheus.until(`ALERTS{alertname="MillraceDeadLetters",app="${id}"}`, (value) => value === 1)

      const { groups } = (await prometheus.api('rules')) as {
        groups: readonly { rules: readonly { name: string; health: string; lastError?: string }[] }[]
      }
      const all = groups.flatMap(({ rules: those }) => those)
      expect(all.filter(({ health }) => health === 'err')).toEqual([])
      for (const { title, targets = [] } of dashboard.panels)
        for (const { expr } of targets) {
          const filled = expr.replaceAll('$__rate_interval', '1m').replaceAll('$app', id).replaceAll('$instance', '.*')
          await expect(prometheus.api(`query?query=${encodeURIComponent(filled)}`).then(() => title)).resolves.toBe(
            title,
          )
        }
    } finally {
      await app.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
    expect(await promtool(['check', 'metrics'], await app.metrics())).toBe('')
  }, 120_000)

  it('have alert rules that Prometheus takes', async () => {
    expect(await promtool(['check', 'rules', rules])).toContain('SUCCESS')
  })
})
