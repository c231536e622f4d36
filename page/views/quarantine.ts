import type { QuarantinedLine, QuarantinedList } from '../../lib/watch/overview/shapes.js'
import { html, type VNode } from '../html.js'
import { fromNow, visibleKey } from '../format.js'
import { Card, Empty, MissingNote, Problem, Waiting } from '../parts/basics.js'
import { useAnswer } from '../parts/use-answer.js'
import { releaseOf } from './object-detail.js'
import type { ViewProps } from './view.js'

export function Quarantine({ go, confirm }: ViewProps): VNode {
  const { value, problem, isLoading, again } = useAnswer<QuarantinedList>('quarantined', { limit: 200 }, 3_000)
  const release = async ({ kind, key }: QuarantinedLine): Promise<void> => {
    if (await confirm(releaseOf(kind, key))) again()
  }
  return html`<${Card} title="Quarantined objects">
    ${problem !== undefined && html`<${Problem} text=${problem} onRetry=${again} />`}
    ${isLoading && html`<${Waiting} />`} ${value !== undefined && html`<${MissingNote} missing=${value.missing} />`}
    ${value?.objects.length === 0 && html`<${Empty} title="No object is in quarantine">An object comes here when a turn of it has failed for good: its records become dead letters, in order, until they are replayed.<//>`}
    ${
      value !== undefined &&
      value.objects.length > 0 &&
      html`<div class="scroll" tabindex="0" role="group" aria-label="Quarantined objects">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Object</th>
              <th scope="col">Since</th>
              <th scope="col">After</th>
              <th scope="col" class="number">Letters</th>
              <th scope="col">Instance</th>
              <th scope="col"><span class="unseen">What to do</span></th>
            </tr>
          </thead>
          <tbody>
            ${value.objects.map((object) => {
              const { kind, key, since, code, letters, instance } = object
              return html`<tr key=${`${kind} ${key}`}>
                <th scope="row">
                  <button type="button" class="link" onClick=${() => go('objects', kind, key)}>
                    ${`${kind} ${visibleKey(key, 120)}`}
                  </button>
                </th>
                <td>${fromNow(since)}</td>
                <td><code>${code}</code></td>
                <td class="number">${letters}</td>
                <td>${visibleKey(instance, 60)}</td>
                <td>
                  <div class="buttons">
                    <button type="button" class="quiet" onClick=${() => go('letters', kind, key)}>Letters</button
                    ><button type="button" class="quiet" onClick=${() => release(object)}>Release</button>
                  </div>
                </td>
              </tr>`
            })}
          </tbody>
        </table>
      </div>`
    }
    ${value?.more === true && html`<p class="pad soft">There are more than ${value.objects.length}.</p>`}
  <//>`
}
