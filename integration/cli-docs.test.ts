import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../lib/core/logger.js'
import { kafkaLog } from '../lib/kafka/kafka-log.js'
import { millrace } from './cli/command.js'
import { describeWithKafka } from './setup/with-kafka.js'

const page = readFileSync(join('docs', 'cli.md'), 'utf8')
const program = join('integration', 'cli', 'docs', 'app.js')

/** Commands with what they print, as the page has them. */
const shown = [...page.matchAll(/```sh\nmillrace ([^\n]+)\n```\n\n```text\n([^]*?)```/g)].map(
  ([, command = '', output = '']) => ({ command, output }),
)

const isOfApp = (command: string): boolean => command.includes('--app')

describeWithKafka('docs/cli.md', ([broker = '']) => {
  /** What differs from machine to machine. */
  const plain = (output: string): string => output.replaceAll(broker, 'localhost:9092')

  it('shows what the commands print', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-docs-'))
    await using log = kafkaLog({ brokers: [broker] }, { logger: silentLogger })
    const own = ['account-changelog', 'account-inbox', 'timers', 'dlq'].map((name) => `ledger-${name}`)
    await log.admin.deleteTopics(['ledger.payments', 'ledger.balances', ...own])
    const payments = topic('ledger.payments', z.object({ account: z.string(), cents: z.number() }))
    const account = stateObject('account', { state: z.object({ cents: z.number() }), init: () => ({ cents: 0 }) })
    await using app = createApp({
      id: 'ledger',
      objects: [
        account.on(
          payments,
          (payment) => payment.account,
          (state, { cents }) => void (state.cents += cents),
        ),
      ],
      kafka: { brokers: [broker] },
      dataDir: folder,
      instanceId: 'one',
      logger: silentLogger,
    })
    // What a program is first, and then the app that runs on what that has made.
    const inOrder = [...shown].sort((a, b) => Number(isOfApp(a.command)) - Number(isOfApp(b.command)))
    const printed: { command: string; output: string }[] = []
    for (const { command } of inOrder) {
      if (isOfApp(command)) {
        await app.start()
        await app.drained()
      }
      const args = command.split(' ').map((word) => (word === 'app.js' ? program : word))
      const end = await millrace([...args], { MILLRACE_BROKERS: broker, BROKERS: broker })
      expect(end.stderr).toBe('')
      printed.push({ command, output: plain(end.stdout) })
      if (!command.includes('create')) continue
      await log.send(
        payments,
        Array.from({ length: 30 }, (_, n) => ({ account: `account-${n}`, cents: n })),
        { key: (payment) => payment.account },
      )
    }
    rmSync(folder, { recursive: true, force: true })
    if (process.env.MILLRACE_WRITE === 'true') writeFileSync(join('docs', 'cli.md'), written(printed))
    expect(printed).toEqual(inOrder)
  })

  it('has each command, and each below it', async () => {
    const { stdout } = await millrace(['completion', 'fish'])
    const paths = [...stdout.matchAll(/-n '([^']*)' -a (\S+)/g)].map(([, where = '', name]) => {
      const [, above] = /^__fish_seen_subcommand_from ([\w-]+)/.exec(where) ?? []
      return above === undefined ? `## ${name}` : `${above} ${name}`
    })
    expect(paths.length).toBeGreaterThan(10)
    expect(paths.filter((path) => !page.includes(path))).toEqual([])
  })
})

/** The page with these outputs: MILLRACE_WRITE=true, to be looked at before it is committed. */
function written(printed: readonly { command: string; output: string }[]): string {
  return printed.reduce((text, { command, output }) => {
    const begin = text.indexOf(`\`\`\`sh\nmillrace ${command}\n\`\`\`\n\n\`\`\`text\n`)
    const from = text.indexOf('```text\n', begin) + '```text\n'.length
    return text.slice(0, from) + output + text.slice(text.indexOf('```', from))
  }, page)
}
