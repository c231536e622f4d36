import type { LetterLine } from '../../lib/watch/overview/shapes.js'
import { html, type VNode } from '../html.js'
import { Badge, type Tone } from '../parts/basics.js'

const tones: Readonly<Record<LetterLine['status'], Tone>> = {
  open: 'bad',
  done: 'good',
  again: 'bad',
  unknown: 'warn',
}
const words: Readonly<Record<LetterLine['status'], string>> = {
  open: 'open',
  done: 'done',
  again: 'failed again',
  unknown: 'unknown',
}

export function Status({ line: { status } }: { line: LetterLine }): VNode {
  return html`<${Badge} tone=${tones[status]}>${words[status]}<//>`
}
