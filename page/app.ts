import type { Topology } from '../lib/watch/overview/shapes.js'
import { hasSession, logout } from './api.js'
import { html, useCallback, useEffect, useState, type VNode } from './html.js'
import { visibleKey } from './format.js'
import { useLive, type Live } from './live.js'
import { Login } from './login.js'
import { Badge, Waiting } from './parts/basics.js'
import { Confirm, type Asked } from './parts/confirm.js'
import { Tabs, type Tab } from './parts/tabs.js'
import { ThemeButton } from './parts/theme-button.js'
import { useAnswer } from './parts/use-answer.js'
import { replace, usePlace } from './place.js'
import { Instances } from './views/instances.js'
import { Letters } from './views/letters.js'
import { Objects } from './views/objects.js'
import { Overview } from './views/overview.js'
import { Quarantine } from './views/quarantine.js'
import { Tasks } from './views/tasks.js'
import { conditionOf, total, type ViewProps } from './views/view.js'
import { Warnings } from './views/warnings.js'

const views: Readonly<Record<string, (props: ViewProps) => VNode>> = {
  overview: Overview,
  tasks: Tasks,
  objects: Objects,
  letters: Letters,
  quarantine: Quarantine,
  instances: Instances,
  warnings: Warnings,
}

/** What somebody may type who has read the name of a tab. */
const aliases: Readonly<Record<string, string>> = {
  state: 'objects',
  partitions: 'tasks',
  topology: 'overview',
  'dead-letters': 'letters',
}

/** Long enough to read what has been done. */
const toastMs = 10_000

/** Something that is being asked, and whoever waits for the answer. */
interface Asking {
  readonly asked: Asked
  readonly end: (isDone: boolean) => void
}

export function App(): VNode {
  const [attempt, setAttempt] = useState(0)
  const live = useLive(attempt)
  const isLocked = live.state === 'locked'
  useEffect(() => {
    document.title = live.snapshot === undefined ? 'Millrace' : `${live.snapshot.app} · Millrace`
  }, [live.snapshot?.app])
  if (isLocked) return html`<${Login} onEnter=${() => setAttempt(attempt + 1)} />`
  return html`<${Shell} live=${live} />`
}

function Shell({ live }: { live: Live }): VNode {
  const { snapshot, rates } = live
  const [{ view, rest }, go] = usePlace()
  const topology = useAnswer<Topology>(snapshot === undefined ? undefined : 'topology').value
  const [asking, setAsking] = useState<Asking>()
  const [done, setDone] = useState<string>()
  const confirm = useCallback((asked: Asked) => new Promise<boolean>((end) => setAsking({ asked, end })), [])
  const answered = (what: string | undefined): void => {
    asking?.end(what !== undefined)
    setAsking(undefined)
    setDone(what)
  }
  useEffect(() => {
    if (done === undefined) return undefined
    const timer = setTimeout(() => setDone(undefined), toastMs)
    return () => clearTimeout(timer)
  }, [done])
  const alias = Object.hasOwn(aliases, view) ? aliases[view] : undefined
  const current = Object.hasOwn(views, view) ? view : (alias ?? 'overview')
  useEffect(() => {
    if (view !== '' && view !== current) replace(current, ...(alias === undefined ? [] : rest))
  }, [view, current])
  const View = views[current] as (props: ViewProps) => VNode
  return html`<a
      class="skip"
      href="#view"
      onClick=${(event: Event) => {
        event.preventDefault()
        document.getElementById('view')?.focus()
      }}
      >Skip to the view</a
    >
    <${Header} live=${live} />
    <nav><${Tabs} tabs=${tabsOf(live)} current=${current} onPick=${(id: string) => go(id)} /></nav>
    ${live.state === 'lost' && html`<div class="notice bad top" role="alert"><p>Not live: ${live.why} Trying again…</p></div>`}
    <main
      id="view"
      class=${live.state === 'lost' ? 'stale' : ''}
      role="tabpanel"
      aria-labelledby=${`tab-${current}`}
      tabindex="-1"
    >
      ${
        snapshot === undefined
          ? html`<${Waiting} what="Connecting to the instance…" />`
          : html`<${View}
              key=${current}
              snapshot=${snapshot}
              rates=${rates}
              topology=${topology}
              rest=${rest}
              go=${go}
              confirm=${confirm}
            />`
      }
    </main>
    ${asking !== undefined && html`<${Confirm} asked=${asking.asked} onEnd=${answered} />`}
    <div class="toasts" role="status" aria-live="polite">
      ${done !== undefined && html`<div class="toast"><span>${done}</span><button type="button" class="quiet" onClick=${() => setDone(undefined)}>Dismiss</button></div>`}
    </div>`
}

function Header({ live: { state, snapshot } }: { live: Live }): VNode {
  const words = { connecting: 'connecting', live: 'live', lost: 'not live', locked: 'locked' } as const
  return html`<header class="page">
    <div class="brand"><span class="mark" aria-hidden="true"></span><span class="product">Millrace</span></div>
    <h1>${snapshot === undefined ? '' : visibleKey(snapshot.app, 100)}</h1>
    <div class="page-state">
      ${snapshot !== undefined && snapshot.group === 'rebalancing' && html`<${Badge} tone="warn">rebalancing<//>`}
      ${snapshot !== undefined && html`<span class="asked" title="The instance that this page is from">via ${visibleKey(snapshot.asked, 40)}</span>`}
      <span class=${`live ${state}`}><i aria-hidden="true"></i>${words[state]}</span>
      <${ThemeButton} />
      ${hasSession() && html`<button type="button" class="quiet" onClick=${() => void logout().then(() => location.reload())}>Log out</button>`}
    </div>
  </header>`
}

function tabsOf({ snapshot }: Live): readonly Tab[] {
  const members = snapshot?.members ?? []
  const ill = members.filter((member) => conditionOf(member).tone !== 'good').length
  const quarantined = snapshot === undefined ? 0 : total(snapshot, ({ counts }) => counts.quarantined)
  return [
    { id: 'overview', name: 'Overview' },
    { id: 'tasks', name: 'Tasks' },
    { id: 'objects', name: 'State' },
    { id: 'letters', name: 'Dead letters' },
    { id: 'quarantine', name: 'Quarantine', count: quarantined, isAlarming: true },
    { id: 'instances', name: 'Instances', count: ill, isAlarming: true },
    { id: 'warnings', name: 'Warnings' },
  ]
}
