// One place that says what the views are made with. Whatever stands in a template is text: nothing is ever parsed as HTML.
export { html, render } from 'htm/preact'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
export type { VNode } from 'preact'
