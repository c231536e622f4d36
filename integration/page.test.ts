import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type Locator, type Page } from 'playwright-core'
import { openShop, token } from './page/shop.js'
import { describeWithKafka } from './setup/with-kafka.js'

const shots = join(process.cwd(), 'build', 'page')
const patienceMs = 60_000

/** What anybody may send as a key. */
const hostile = [
  '<script>document.title="taken"</script>',
  '"><img src=x onerror=document.title="taken">',
  '\u202egnp.exe',
  'tab\tand\nline\u0000',
  '__proto__',
  '😀 é',
  'x'.repeat(20_000),
  '',
]

describeWithKafka('the monitor page of an app in two processes', (brokers) => {
  let shop: Awaited<ReturnType<typeof openShop>>
  let browser: Browser
  let page: Page
  /** What a browser complains of: errors of scripts, and what the policy of the page forbids. */
  const complaints: string[] = []

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true })
    shop = await openShop(brokers)
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    })
    page = await newPage({ width: 1280, height: 900 })
    const order = (id: string, amount: number, note = 'web') => ({ id, customer: 'c-1', amount, note })
    await shop.log.send(shop.topics.orders, [
      ...hostile.map((id) => order(id, 5, '</script><b>bold</b>')),
      ...Array.from({ length: 120 }, (_, i) => order(`order-${1_000 + i}`, 7)),
      order('order-1042', -40, '<b>refund</b>'),
      order('order-1042', 30, 'after it'),
      order('order-1077', -1, 'wrong'),
    ])
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await shop?.close()
  }, 60_000)

  async function newPage(viewport: { width: number; height: number }): Promise<Page> {
    const context = await browser.newContext({ viewport })
    context.setDefaultTimeout(patienceMs)
    const made = await context.newPage()
    made.on('pageerror', (error) => complaints.push(error.message))
    made.on('dialog', (dialog) => complaints.push(`dialog ${dialog.message()}`))
    made.on('console', (message) => {
      // That a token is asked for is an answer with status 401.
      if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text())
    })
    return made
  }

  async function enter(on: Page, url: string): Promise<void> {
    await on.goto(url)
    await on.getByLabel('Token').fill(token)
    await on.getByRole('button', { name: 'Enter' }).click()
    await on.getByRole('tab', { name: 'Overview' }).waitFor()
  }

  const show = async (name: string): Promise<void> => {
    await page.getByRole('tab', { name }).click()
  }
  const shot = (name: string, on = page): Promise<unknown> =>
    on.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
  const seen = (locator: Locator): Promise<void> => locator.first().waitFor({ timeout: patienceMs })
  const gone = (locator: Locator): Promise<void> => locator.first().waitFor({ state: 'detached', timeout: patienceMs })

  it('asks for the token, refuses another, and shows the whole app from one instance', async () => {
    await page.goto(shop.one.url)
    await seen(page.getByRole('heading', { name: 'A token is needed' }))
    await shot('login')
    await page.getByLabel('Token').fill('another-token-0123456789')
    await page.getByRole('button', { name: 'Enter' }).click()
    await seen(page.getByRole('alert').filter({ hasText: 'not the token' }))
    await enter(page, shop.one.url)
    await seen(page.getByRole('heading', { name: shop.id }))
    await seen(page.locator('.tile', { hasText: 'Instances' }).getByText('2 / 2'))
    await seen(page.locator('.tile', { hasText: 'Quarantined' }).getByText('2', { exact: true }))
    const nodes = await page.locator('.node .node-name').allTextContents()
    expect(nodes).toEqual(expect.arrayContaining(['order', 'customer']))
    expect(nodes).toHaveLength(7)
  })

  it('draws what goes on: rates on the ways of records, and lines of each partition', async () => {
    const feeding = setInterval(() => {
      const orders = Array.from({ length: 40 }, (_, i) => ({
        id: `order-${1_000 + i}`,
        customer: 'c-2',
        amount: 1,
        note: '',
      }))
      shop.log.send(shop.topics.orders, orders).catch(() => undefined)
    }, 100)
    try {
      await seen(page.locator('.edge.flows text', { hasText: /^\d.*\/s$/ }))
      await show('Tasks')
      const rows = page.locator('tbody tr')
      await seen(rows.nth(3))
      expect(await rows.count()).toBe(4)
      const owners = await rows.locator('td:nth-of-type(1)').allTextContents()
      expect(new Set(owners)).toEqual(new Set(['shop-a', 'shop-b']))
      await seen(rows.locator('td:last-child', { hasText: /^[1-9].*\/s$/ }))
      await seen(page.locator('.uplot canvas'))
    } finally {
      clearInterval(feeding)
    }
    await shot('tasks')
    await show('Overview')
    await shot('overview')
  })

  it('shows hostile keys and values as text', async () => {
    await show('State')
    const keys = page.locator('.row-key')
    await seen(keys.getByText('order-1000'))
    const shown = await keys.allTextContents()
    expect(shown).toEqual(expect.arrayContaining(['(empty)', hostile[0], hostile[1], '__proto__']))
    await page.getByPlaceholder('Key or prefix').fill('<script>')
    await page.locator('.row', { hasText: '<script>' }).click()
    await seen(page.locator('pre', { hasText: '</script><b>bold</b>' }))
    await page.getByPlaceholder('Key or prefix').fill('tab')
    await seen(keys.getByText('tab\\tand\\nline\\u0000'))
    await page.getByPlaceholder('Key or prefix').fill('x')
    await seen(keys.getByText(/^x{120}…$/))
    await page.goto(`${shop.one.url}/#objects/order/${encodeURIComponent('\u202egnp.exe')}`)
    await seen(page.locator('.detail-key', { hasText: '\\u202egnp.exe' }))
    await shot('hostile')
    expect(await page.title()).not.toBe('taken')
    expect(await page.locator('main script, main img, main b:not(.legend b)').count()).toBe(0)
  })

  it('finds an object by its key, with its timers', async () => {
    await page.goto(`${shop.one.url}/#objects/order`)
    await page.getByPlaceholder('Key or prefix').fill('order-1005')
    await page.getByRole('button', { name: 'Open key' }).click()
    await seen(page.locator('.detail-key', { hasText: 'order-1005' }))
    await seen(page.locator('.detail tbody tr', { hasText: 'reminder' }))
    await shot('object')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByPlaceholder('Key or prefix').fill('nothing begins so')
    await seen(page.getByText('No key begins so'))
    expect(complaints).toEqual([])
  })

  it('takes a poisoned key from its dead letter to its repair', async () => {
    await show('Quarantine')
    await seen(page.locator('tbody tr', { hasText: 'order-1042' }))
    await shot('quarantine')
    await page.locator('tbody tr', { hasText: 'order-1042' }).getByRole('button', { name: 'Letters' }).click()
    await page.locator('.row.letter', { hasText: 'HANDLER_FAILED' }).click()
    await seen(page.locator('.message', { hasText: 'an order of -40 is no order: <b>refund</b>' }))
    await seen(page.getByLabel('Value').filter({ hasText: '"amount": -40' }))
    await seen(page.getByLabel('Stack').filter({ hasText: 'RangeError' }))
    await shot('letter')

    // It fails again as long as the program is what it was.
    await replayAllOfItsObject()
    await show('Dead letters')
    await seen(page.locator('.row.letter', { hasText: 'failed again' }))

    shop.one.repair()
    shop.two.repair()
    await page
      .locator('.row.letter', { hasText: 'order-1042' })
      .filter({ hasText: 'HANDLER_FAILED' })
      .filter({ hasText: 'open' })
      .click()
    await replayAllOfItsObject()
    await seen(page.locator('.detail .badge.good', { hasText: 'done' }))
    await page.goto(`${shop.one.url}/#objects/order/order-1042`)
    await seen(page.locator('pre', { hasText: '"note": "after it"' }))
    await gone(page.getByText('in quarantine'))
    expect(complaints).toEqual([])
  })

  async function replayAllOfItsObject(): Promise<void> {
    await page.getByRole('button', { name: 'Replay all of its object' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Replay all' }).click()
    await seen(page.locator('.toast', { hasText: 'on the way back' }))
    await page.locator('.toast').getByRole('button', { name: 'Dismiss' }).click()
  }

  it('drops a letter, and says why in the log', async () => {
    await show('Dead letters')
    await page.locator('.row.letter', { hasText: 'order-1077' }).click()
    await page.getByRole('button', { name: 'Drop' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Drop' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Why it is dropped').fill('it was a test')
    await shot('drop')
    await dialog.getByRole('button', { name: 'Drop' }).click()
    await seen(page.locator('.toast', { hasText: '1 letter dropped' }))
    await seen(page.locator('.detail .badge.good', { hasText: 'done' }))
    await show('Quarantine')
    await seen(page.getByText('No object is in quarantine'))
    await show('Warnings')
    await seen(page.locator('.row', { hasText: 'it was a test' }))
    await shot('warnings')
    expect(await page.content()).not.toContain(token)
  })

  it('is used by the keyboard alone', async () => {
    await show('Overview')
    await page.getByRole('tab', { name: 'Overview' }).focus()
    await page.keyboard.press('ArrowRight')
    await seen(page.locator('[role=tab][aria-selected=true]', { hasText: 'Tasks' }))
    expect(await page.evaluate('document.activeElement.id')).toBe('tab-tasks')
    await page.keyboard.press('ArrowRight')
    await seen(page.locator('.row'))
    // Kind, key, the button that opens a key, which is off without one, and the first object.
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.className')).toBe('row')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    await seen(page.locator('.detail-key'))
    // What asks before it does something gives the focus back.
    await show('Dead letters')
    await page.getByRole('button', { name: 'Replay all that are new' }).focus()
    await page.keyboard.press('Enter')
    await seen(page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await gone(page.getByRole('dialog'))
    // Where it was before, soon after the dialog has gone.
    await page.locator('button:focus', { hasText: /^\s*Replay all that are new\s*$/ }).waitFor()
  })

  it('is dark where that is preferred, and as somebody chooses', async () => {
    const dark = await newPage({ width: 1280, height: 900 })
    await dark.emulateMedia({ colorScheme: 'dark' })
    await enter(dark, shop.two.url)
    const ground = (): Promise<unknown> => dark.evaluate('getComputedStyle(document.body).backgroundColor')
    const night = await ground()
    await seen(dark.locator('.tile'))
    await shot('dark', dark)
    await dark.getByRole('button', { name: /^Colours: Auto/ }).click()
    expect(await ground()).not.toBe(night)
    await dark.getByRole('button', { name: /^Colours: Light/ }).click()
    expect(await ground()).toBe(night)
    await dark.reload()
    await seen(dark.getByRole('button', { name: /^Colours: Dark/ }))
    expect(await ground()).toBe(night)
    await dark.context().close()
  })

  it('fits a screen of 360 pixels in every view', async () => {
    const narrow = await newPage({ width: 360, height: 740 })
    await enter(narrow, shop.two.url)
    for (const view of [
      'overview',
      'tasks',
      'objects',
      'objects/order/order-1042',
      'letters',
      'quarantine',
      'instances',
      'warnings',
    ]) {
      await narrow.goto(`${shop.two.url}/#${view}`)
      await seen(narrow.locator('main .card'))
      await gone(narrow.locator('main .waiting'))
      await shot(`360-${view.split('/')[0]}`, narrow)
      const beyond = await narrow.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect({ view, beyond }).toEqual({ view, beyond: 0 })
    }
    // What is drawn is not cut off either.
    await narrow.goto(`${shop.two.url}/#overview`)
    await seen(narrow.locator('.topology .node'))
    const cut = '(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector(".topology"))'
    expect(await narrow.evaluate(cut)).toBe(0)
    await narrow.context().close()
  })

  it.each([
    ['#state/order/order-1005', '#objects/order/order-1005', 'State'],
    ['#nothing/at/all', '#overview', 'Overview'],
    ['#constructor', '#overview', 'Overview'],
  ])('leads from %s to a view, and says which', async (hash, to, tab) => {
    await page.goto(`${shop.one.url}/${hash}`)
    await seen(page.locator('[role=tab][aria-selected=true]', { hasText: tab }))
    await page.waitForURL((url) => url.hash === to)
    expect(new URL(page.url()).hash).toBe(to)
  })

  it('says when an instance is away, and when the one that it is from is', async () => {
    await show('Instances')
    await seen(page.locator('.card', { hasText: 'shop-b' }).getByText('running'))
    expect(complaints).toEqual([])
    await shop.two.end('SIGKILL')
    await seen(page.locator('.card', { hasText: 'shop-b' }).getByText('away'))
    await shot('away')
    // Its tasks go to the other when its session is over.
    await gone(page.locator('.card', { hasText: 'shop-b' }))
    await shop.one.end('SIGKILL')
    await seen(page.getByRole('alert').filter({ hasText: 'Not live' }))
    await shot('lost')
  })
})
