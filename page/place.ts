import { useCallback, useEffect, useState } from './html.js'

/** Where the page is: `#objects/order/a%20key` is the view `objects` with `['order', 'a key']`. */
export interface Place {
  readonly view: string
  readonly rest: readonly string[]
}

export function usePlace(): readonly [Place, (...path: readonly string[]) => void] {
  const [place, setPlace] = useState(placeIn(location.hash))
  useEffect(() => {
    const changed = (): void => setPlace(placeIn(location.hash))
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  const go = useCallback((...path: readonly string[]) => {
    location.hash = hashOf(path)
  }, [])
  return [place, go]
}

/** In the place of where it is: there is no way back to what does not exist. */
export function replace(...path: readonly string[]): void {
  location.replace(`#${hashOf(path)}`)
}

const hashOf = (path: readonly string[]): string =>
  path.map((part) => encodeURIComponent(part.toWellFormed())).join('/')

function placeIn(hash: string): Place {
  const [view = '', ...rest] = hash.replace(/^#/, '').split('/').map(decoded)
  return { view, rest }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
