// One place that says what the views are made with. Whatever stands in a template is text: nothing is ever parsed as HTML.
import htm from 'htm'
import { h, type VNode } from 'preact'

export { render } from 'preact'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
export type { VNode }

const bound = htm.bind(h)
const spaced = new WeakMap<TemplateStringsArray, TemplateStringsArray>()

/** Templates as in htm, in which a line break in a text is a space, as in HTML. Between tags it is nothing. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode {
  let known = spaced.get(strings)
  if (known === undefined) {
    const texts = strings.map((text) =>
      text.replace(/(>?)\s*\n\s*(<?)/g, (_, before: string, after: string) =>
        before !== '' && after !== '' ? before + after : `${before} ${after}`,
      ),
    )
    known = Object.assign(texts, { raw: texts }) as unknown as TemplateStringsArray
    spaced.set(strings, known)
  }
  return bound(known, ...values) as VNode
}
