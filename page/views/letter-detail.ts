import type { LetterDetail } from '../../lib/watch/overview/shapes.js'
import { html, type VNode } from '../html.js'
import { bytes, moment, visible, visibleKey, visibleText } from '../format.js'
import { Field, Picked, Problem, Waiting } from '../parts/basics.js'
import type { Asked } from '../parts/confirm.js'
import { useAnswer } from '../parts/use-answer.js'
import { Status } from './letter-status.js'
import { dropOne, replayObject, replayOne } from './letter-actions.js'
import { Value } from './object-detail.js'
import type { ViewProps } from './view.js'

interface Props extends ViewProps {
  readonly place: { readonly partition: number; readonly offset: number }
  readonly onChange: () => void
  readonly onClose: () => void
}

export function LetterView({ place, onChange, onClose, confirm, go }: Props): VNode {
  const { value: letter, problem, again } = useAnswer<LetterDetail>('letter', { ...place }, 3_000)
  const act = async (asked: Asked): Promise<void> => {
    if (!(await confirm(asked))) return
    again()
    onChange()
  }
  return html`<${Picked} title=${`Letter ${place.partition}@${place.offset}`} onClose=${onClose}>
    ${problem !== undefined && html`<${Problem} text=${problem} onRetry=${again} />`}
    ${letter === undefined && problem === undefined && html`<${Waiting} />`}
    ${
      letter !== undefined &&
      html`<p class="row-line"><${Status} line=${letter} /> <code>${visible(letter.code ?? 'unknown', 60)}</code></p>
        ${letter.note !== undefined && html`<p class="soft">${visible(letter.note, 300)}</p>`}
        <p class="message">${visible(letter.message ?? 'It says nothing of what was wrong.', 4_000)}</p>
        ${
          letter.status !== 'done' &&
          letter.status !== 'again' &&
          html`<p class="buttons">
            <button type="button" class="main" onClick=${() => act(replayOne(letter))}>Replay</button>
            ${letter.kind !== undefined && html`<button type="button" class="quiet" onClick=${() => act(replayObject(letter))}>Replay all of its object</button>`}
            <button type="button" class="quiet grave" onClick=${() => act(dropOne(letter))}>Drop</button>
          </p>`
        }
        <dl class="fields">
          ${letter.kind !== undefined && html`<${Field} name="Object"><button type="button" class="link" onClick=${() => go('objects', letter.kind as string, letter.key ?? '')}>${letter.kind} ${visibleKey(letter.key ?? '', 300)}</button><//>`}
          ${letter.number !== undefined && html`<${Field} name="Number">${letter.number} of its object<//>`}
          ${letter.connector !== undefined && html`<${Field} name="Of">${visible(letter.connector, 100)}<//>`}
          ${letter.source !== undefined && html`<${Field} name="From">${letter.source.topic}[${letter.source.partition}]@${letter.source.offset}<//>`}
          <${Field} name="Written">${moment(letter.at)}<//>
          ${letter.timestamp !== undefined && html`<${Field} name="Event time">${moment(letter.timestamp)}<//>`}
          ${letter.version !== undefined && html`<${Field} name="App version">${visible(letter.version, 60)}<//>`}
          <${Field} name="Record key">${visibleKey(letter.recordKey.text, 300)}<//>
        </dl>
        <h3>Value ${letter.valueBytes !== undefined && html`<small>${bytes(letter.valueBytes)}</small>`}</h3>
        <${Value} shown=${letter.value} name="Value" />
        ${
          letter.headers.length > 0 &&
          html`<h3>Headers</h3>
            <dl class="fields">
              ${letter.headers.map(({ name, value }) => html`<${Field} key=${name} name=${visibleKey(name, 100)}>${visibleKey(value.text, 500)}<//>`)}
            </dl>`
        }
        ${
          letter.stack !== undefined &&
          html`<h3>Stack</h3>
            <pre tabindex="0" role="group" aria-label="Stack">${visibleText(letter.stack)}</pre>`
        }`
    }
  <//>`
}
