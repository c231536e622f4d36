import type { ObjectList } from '../../lib/watch/overview/shapes.js'
import { get, wordsOf } from '../api.js'
import { html, useEffect, useState, type VNode } from '../html.js'
import { visible, visibleKey } from '../format.js'
import { Card, Empty, MissingNote, Problem, Waiting } from '../parts/basics.js'
import { useAnswer } from '../parts/use-answer.js'
import { Detail } from './object-detail.js'
import type { ViewProps } from './view.js'

const pageSize = 50

export function Objects(props: ViewProps): VNode {
  const { topology, rest, go } = props
  const kinds = (topology?.nodes ?? []).filter(({ kind }) => kind === 'object').map(({ name }) => name)
  const [kind = kinds[0], key] = rest
  const [typed, setTyped] = useState('')
  const [prefix, setPrefix] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setPrefix(typed), 250)
    return () => clearTimeout(timer)
  }, [typed])
  if (topology === undefined) return html`<${Waiting} />`
  if (kind === undefined)
    return html`<${Card}><${Empty} title="The app keeps no state">It has no state objects.<//><//>`
  const open = (event: Event): void => {
    event.preventDefault()
    if (typed !== '') go('objects', kind, typed)
  }
  return html`<div class=${key === undefined ? 'split' : 'split open'}>
    <${Card}
      title="State"
      more=${html`<form class="search" role="search" onSubmit=${open}>
        <label
          ><span class="unseen">Kind</span
          ><select value=${kind} onChange=${(event: Event) => go('objects', (event.target as HTMLSelectElement).value)}>
            ${kinds.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
          </select></label
        >
        <label class="grow"
          ><span class="unseen">Key, or what keys begin with</span>
          <input
            type="search"
            value=${typed}
            placeholder="Key or prefix"
            autocomplete="off"
            spellcheck=${false}
            onInput=${(event: Event) => setTyped((event.target as HTMLInputElement).value)}
        /></label>
        <button type="submit" class="quiet" disabled=${typed === ''}>Open key</button>
      </form>`}
    >
      <${List}
        key=${`${kind}\n${prefix}`}
        kind=${kind}
        prefix=${prefix}
        picked=${key}
        onPick=${(picked: string) => go('objects', kind, picked)}
      />
    <//>
    ${key !== undefined && html`<${Detail} key=${`${kind}\n${key}`} ...${props} kind=${kind} objectKey=${key} onClose=${() => go('objects', kind)} />`}
  </div>`
}

interface ListProps {
  readonly kind: string
  readonly prefix: string
  readonly picked: string | undefined
  readonly onPick: (key: string) => void
}

function List({ kind, prefix, picked, onPick }: ListProps): VNode {
  const first = useAnswer<ObjectList>('objects', { kind, prefix, limit: pageSize })
  const [more, setMore] = useState<readonly ObjectList[]>([])
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  if (first.problem !== undefined) return html`<${Problem} text=${first.problem} onRetry=${first.again} />`
  if (first.value === undefined) return html`<${Waiting} />`
  const pages = [first.value, ...more]
  const objects = pages.flatMap((page) => page.objects)
  const last = pages.at(-1) as ObjectList
  const load = async (): Promise<void> => {
    setBusy(true)
    setProblem(undefined)
    try {
      const next = await get<ObjectList>('objects', { kind, prefix, limit: pageSize, after: objects.at(-1)?.key })
      setMore((known) => [...known, next])
    } catch (error) {
      setProblem(wordsOf(error))
    }
    setBusy(false)
  }
  return html`<div>
    <${MissingNote} missing=${last.missing} />
    ${
      objects.length === 0
        ? html`<${Empty} title=${prefix === '' ? `No ${kind} is kept` : 'No key begins so'}
            >${prefix === '' ? 'Objects appear here when their first turn is committed.' : `Of kind ${kind}, with ${visibleKey(prefix, 60)}.`}<//
          >`
        : html`<ul class="rows">
            ${objects.map(
              ({ key, state }) =>
                html`<li key=${key}>
                  <button
                    type="button"
                    class="row"
                    aria-current=${key === picked ? 'true' : undefined}
                    onClick=${() => onPick(key)}
                  >
                    <span class="row-key">${visibleKey(key, 120)}</span
                    ><span class="row-text">${visible(state.text, 200)}</span>
                  </button>
                </li>`,
            )}
          </ul>`
    }
    ${problem !== undefined && html`<${Problem} text=${problem} onRetry=${load} />`}
    ${last.more && html`<div class="pad"><button type="button" class="quiet" disabled=${isBusy} onClick=${load}>${isBusy ? 'Loading…' : 'Load more'}</button></div>`}
  </div>`
}
