import { latestByKey, run, table, valuesOf } from '../shared/run.js'
import { paymentFeed } from './feed.js'
import { account, alerts, payments, watched } from './fraud.js'

await run({
  id: 'fraud-alert',
  objects: [account],
  load: (log) => log.send(payments, paymentFeed(), { key: ({ account }) => account }),
  input: payments,
  async show(log) {
    const raised = (await valuesOf(log, alerts)).sort((a, b) => a.at - b.at || (a.account < b.account ? -1 : 1))
    table(
      ['alert at', 'account', 'amount'],
      raised.map(({ account, at, amount }) => [new Date(at).toISOString().slice(11, 19), account, amount]),
    )
    const accounts = [...(await latestByKey(log, watched)).values()].sort((a, b) => (a.account < b.account ? -1 : 1))
    console.log('\naccounts with small payments in the last ten minutes:')
    for (const { account, small } of accounts) console.log(`  ${account}: ${small}`)
  },
})
