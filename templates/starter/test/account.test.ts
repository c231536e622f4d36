import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDriver } from 'millrace/testing'
import { account, balances, payments } from '../src/account.js'

test('a balance is the sum of the payments, also when the process dies between them', async () => {
  const driver = testDriver({ objects: [account] })
  await driver.send(payments, { account: 'ann', cents: 500 })
  await driver.crash('before-end')
  await driver.send(payments, { account: 'ann', cents: -200 })
  assert.deepEqual(driver.state(account, 'ann'), { cents: 300, payments: 2 })
  assert.deepEqual(driver.output(balances).at(-1)?.value, { account: 'ann', cents: 300 })
  await driver.close()
})
