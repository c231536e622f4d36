import { useCallback, useEffect, useState } from '../html.js'
import { get, wordsOf, type Query } from '../api.js'

export interface Answer<T> {
  readonly value: T | undefined
  readonly problem: string | undefined
  readonly isLoading: boolean
  /** Asks again; what is shown stays until the answer is here. */
  readonly again: () => void
}

/** What a path answers; asked anew when the path or the query changes, and every `everyMs`. Nothing is asked while `path` is undefined. */
export function useAnswer<T>(path: string | undefined, query: Query = {}, everyMs?: number): Answer<T> {
  const [found, setFound] = useState<{ name: string; value?: T; problem?: string }>({ name: '' })
  const [attempt, setAttempt] = useState(0)
  const name = path === undefined ? '' : `${path} ${JSON.stringify(query)}`
  useEffect(() => {
    if (path === undefined) return undefined
    const end = new AbortController()
    const ask = async (): Promise<void> => {
      try {
        const value = await get<T>(path, query, end.signal)
        if (!end.signal.aborted) setFound({ name, value })
      } catch (error) {
        if (!end.signal.aborted)
          setFound((was) => ({ ...(was.name === name ? was : {}), name, problem: wordsOf(error) }))
      }
    }
    void ask()
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || void ask(), everyMs)
    return () => {
      clearInterval(timer)
      end.abort()
    }
  }, [name, attempt, everyMs])
  const again = useCallback(() => setAttempt((count) => count + 1), [])
  const isOld = found.name !== name
  return {
    value: isOld ? undefined : found.value,
    problem: isOld ? undefined : found.problem,
    isLoading: isOld && path !== undefined,
    again,
  }
}
