import type { LetterLine, LetterPage } from '../../lib/watch/overview/shapes.js'
import { html, useState, type VNode } from '../html.js'
import { moment, visible, visibleKey } from '../format.js'
import { Card, Empty, Problem, Waiting } from '../parts/basics.js'
import { useAnswer } from '../parts/use-answer.js'
import { Status } from './letter-status.js'
import { LetterView } from './letter-detail.js'
import { replayAll } from './letter-actions.js'
import type { ViewProps } from './view.js'

/** `letters`, `letters/<kind>/<key>`, `letters/at/<partition>/<offset>`. */
export function Letters(props: ViewProps): VNode {
  const { rest, go, confirm } = props
  const isOne = rest[0] === '@'
  const [kind, key] = isOne ? [] : rest
  const picked = isOne ? { partition: Number(rest[1]), offset: Number(rest[2]) } : undefined
  const [pages, setPages] = useState<readonly (string | undefined)[]>([undefined])
  const before = pages.at(-1)
  const { value, problem, isLoading, again } = useAnswer<LetterPage>(
    'letters',
    { kind, key, before, limit: 25 },
    before === undefined ? 5_000 : undefined,
  )
  const replay = async (): Promise<void> => {
    if (await confirm(replayAll)) again()
  }
  return html`<div class=${picked === undefined ? 'split' : 'split open'}>
    <${Card}
      title="Dead letters"
      more=${html`<div class="buttons">
        ${kind !== undefined && html`<button type="button" class="quiet" onClick=${() => go('letters')}>Show all</button>`}
        <button type="button" class="quiet" onClick=${replay}>Replay all that are new</button>
      </div>`}
    >
      ${kind !== undefined && html`<p class="pad soft">Of ${kind} ${visibleKey(key ?? '', 100)}</p>`}
      ${problem !== undefined && html`<${Problem} text=${problem} onRetry=${again} />`}
      ${isLoading && html`<${Waiting} />`}
      ${value !== undefined && html`<${Lines} page=${value} picked=${picked} onPick=${(line: LetterLine) => go('letters', '@', String(line.partition), String(line.offset))} />`}
      <div class="pager pad">
        ${pages.length > 1 && html`<button type="button" class="quiet" onClick=${() => setPages(pages.slice(0, -1))}>Newer</button>`}
        ${value?.next !== undefined && html`<button type="button" class="quiet" onClick=${() => setPages([...pages, value.next])}>Older</button>`}
      </div>
    <//>
    ${picked !== undefined && html`<${LetterView} key=${`${picked.partition} ${picked.offset}`} ...${props} place=${picked} onChange=${again} onClose=${() => go('letters')} />`}
  </div>`
}

interface LinesProps {
  readonly page: LetterPage
  readonly picked: { readonly partition: number; readonly offset: number } | undefined
  readonly onPick: (line: LetterLine) => void
}

function Lines({ page: { letters, topic, next }, picked, onPick }: LinesProps): VNode {
  if (letters.length === 0 && next === undefined)
    return html`<${Empty} title="No dead letters">Records that cannot be processed come here, to ${topic}.<//>`
  return html`<ul class="rows">
    ${letters.map((line) => {
      const isPicked = line.partition === picked?.partition && line.offset === picked.offset
      return html`<li key=${`${line.partition} ${line.offset}`}>
        <button
          type="button"
          class="row letter"
          aria-current=${isPicked ? 'true' : undefined}
          onClick=${() => onPick(line)}
        >
          <span class="row-line"
            ><${Status} line=${line} /><code>${visible(line.code ?? 'unknown', 40)}</code
            ><span class="row-time">${moment(line.at)}</span></span
          >
          <span class="row-key"
            >${line.kind === undefined ? visible(line.connector ?? 'without an object', 80) : `${line.kind} ${visibleKey(line.key ?? '', 120)}`}</span
          >
          <span class="row-text">${visible(line.message ?? '', 300)}</span>
        </button>
      </li>`
    })}
  </ul>`
}
