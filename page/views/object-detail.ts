import type { ObjectDetail, Shown, ShownTimer, ShownWaiting } from '../../lib/watch/overview/shapes.js'
import { post } from '../api.js'
import { html, type VNode } from '../html.js'
import { bytes, fromNow, moment, visibleKey, visibleText } from '../format.js'
import { Badge, Empty, Field, Picked, Problem, Waiting } from '../parts/basics.js'
import type { Asked } from '../parts/confirm.js'
import { useAnswer } from '../parts/use-answer.js'
import type { ViewProps } from './view.js'

interface Props extends ViewProps {
  readonly kind: string
  readonly objectKey: string
  readonly onClose: () => void
}

export function Detail({ kind, objectKey: key, onClose, confirm, go }: Props): VNode {
  const { value, problem, again } = useAnswer<ObjectDetail>('object', { kind, key }, 3_000)
  const release = async (): Promise<void> => {
    if (await confirm(releaseOf(kind, key))) again()
  }
  return html`<${Picked} title=${`${kind} object`} onClose=${onClose}>
    <p class="detail-key">${visibleKey(key, 2_000)}</p>
    ${problem !== undefined && html`<${Problem} text=${problem} onRetry=${again} />`}
    ${value === undefined && problem === undefined && html`<${Waiting} />`}
    ${
      value !== undefined &&
      html`<dl class="fields">
          <${Field} name="Task">${value.task}<//>
          <${Field} name="Instance">${visibleKey(value.instance, 60)}<//>
          ${value.expires !== undefined && html`<${Field} name="Forgotten">${fromNow(value.expires)}, if nothing comes<//>`}
        </dl>
        ${
          value.quarantine !== undefined &&
          html`<div class="notice bad">
            <p>
              <${Badge} tone="bad">in quarantine<//> since ${moment(value.quarantine.since)}, after
              <code>${value.quarantine.code}</code>; ${count(value.quarantine.letters, 'dead letter')} to replay.
              ${value.quarantine.until !== undefined && ` It ends by itself ${fromNow(value.quarantine.until)}.`}
            </p>
            <p class="buttons">
              <button type="button" class="quiet" onClick=${() => go('letters', kind, key)}>Show its letters</button>
              <button type="button" class="quiet" onClick=${release}>Release</button>
            </p>
          </div>`
        }
        <h3>State</h3>
        ${value.state === undefined ? html`<${Empty} title="There is no such object">Nothing is kept under this key.<//>` : html`<${Value} shown=${value.state} name="State" />`}
        <${Timers} timers=${value.timers} />
        <${Turns} waiting=${value.waiting} />`
    }
  <//>`
}

/** Lifting the quarantine of an object, as it is asked for. */
export function releaseOf(kind: string, key: string): Asked {
  return {
    title: 'Release this object?',
    text: html`<p>
      <strong>${visibleKey(key, 200)}</strong> of ${kind} leaves quarantine: its next record has its turn, ahead of
      those in its dead letters, which stay where they are until they are replayed.
    </p>`,
    verb: 'Release',
    act: async () => {
      const { released } = await post<{ released: boolean }>('release', { kind, key })
      return released
        ? `${kind} ${visibleKey(key, 60)} is released.`
        : `${kind} ${visibleKey(key, 60)} was in no quarantine.`
    },
  }
}

export function Value({ shown, name }: { shown: Shown; name: string }): VNode {
  return html`<div>
    <pre tabindex="0" role="group" aria-label=${name}>${visibleText(shown.text)}</pre>
    ${shown.isCut && html`<p class="soft">Only the beginning is shown.</p>`}
  </div>`
}

function Timers({ timers }: { timers: readonly ShownTimer[] }): VNode | null {
  if (timers.length === 0) return null
  return html`<div>
    <h3>Timers</h3>
    <div class="scroll" tabindex="0" role="group" aria-label="Timers">
      <table>
        <thead>
          <tr>
            <th scope="col">Timer</th>
            <th scope="col">Due</th>
            <th scope="col">Carries</th>
          </tr>
        </thead>
        <tbody>
          ${timers.map(
            ({ name, id, time, dueMs, payload, isPutOff }) =>
              html`<tr key=${`${name} ${id ?? ''}`}>
                <th scope="row">${name}${id !== undefined && html` <small>${visibleKey(id, 60)}</small>`}</th>
                <td>
                  ${moment(dueMs)}
                  <small>${isPutOff ? 'waits for its turn' : time === 'event' ? 'event time' : fromNow(dueMs)}</small>
                </td>
                <td><code class="clip">${visibleKey(payload.text, 200)}</code></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </div>`
}

function Turns({ waiting }: { waiting: ShownWaiting | undefined }): VNode | null {
  if (waiting === undefined) return null
  const { first, attempt, retryAt } = waiting
  return html`<div>
    <h3>Waiting turns</h3>
    <p>
      ${count(waiting.count, 'turn')} of ${bytes(waiting.bytes)}
      ${waiting.count === 1 ? 'waits' : 'wait'}.${attempt !== undefined && ` The first has been tried ${count(attempt, 'time')}.`}${retryAt !== undefined && ` It is tried again ${fromNow(retryAt)}.`}
    </p>
    ${
      first !== undefined &&
      html`<p class="soft">${first.topic}[${first.partition}]@${first.offset}, ${moment(first.timestamp)}</p>
        <${Value} shown=${first.value} name="Record that waits" />`
    }
  </div>`
}

export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
