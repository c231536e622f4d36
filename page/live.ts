import { useEffect, useRef, useState } from 'preact/hooks'
import type { Snapshot } from '../lib/watch/overview/shapes.js'
import { ApiError, stream } from './api.js'
import { eventsIn } from './events.js'
import { Rates } from './rates.js'

/** How the page hears of the app. */
export interface Live {
  readonly state: 'connecting' | 'live' | 'lost' | 'locked'
  /** Of what was lost. */
  readonly why: string
  readonly snapshot: Snapshot | undefined
  readonly rates: Rates
}

const firstPauseMs = 500
const longestPauseMs = 5_000
/** Snapshots come each second; a connection that says nothing for so long is given up. */
const silentMs = 10_000

/** Follows the app for as long as the page is shown; `attempt` begins anew when it changes. */
export function useLive(attempt: number): Live {
  const rates = useRef(new Rates())
  const [live, setLive] = useState<Omit<Live, 'rates'>>({ state: 'connecting', why: '', snapshot: undefined })
  useEffect(() => {
    const end = new AbortController()
    const take = (snapshot: Snapshot): void => {
      rates.current.add(snapshot)
      setLive({ state: 'live', why: '', snapshot })
    }
    const lose = (state: Live['state'], why: string): void => setLive(({ snapshot }) => ({ state, why, snapshot }))
    void follow(end.signal, take, lose)
    return () => end.abort()
  }, [attempt])
  return { ...live, rates: rates.current }
}

async function follow(
  signal: AbortSignal,
  take: (snapshot: Snapshot) => void,
  lose: (state: Live['state'], why: string) => void,
): Promise<void> {
  let pauseMs = firstPauseMs
  while (!signal.aborted) {
    const silence = new AbortController()
    const give = (): void => silence.abort()
    signal.addEventListener('abort', give)
    try {
      let timer = setTimeout(give, silentMs)
      for await (const event of eventsIn(await stream('live', silence.signal))) {
        clearTimeout(timer)
        timer = setTimeout(give, silentMs)
        take(JSON.parse(event) as Snapshot)
        pauseMs = firstPauseMs
      }
      clearTimeout(timer)
      if (!signal.aborted) lose('lost', 'The instance has ended the connection.')
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status === 401) return lose('locked', error.message)
      lose(
        'lost',
        silence.signal.aborted
          ? 'The instance says nothing.'
          : error instanceof ApiError
            ? error.message
            : 'The connection was lost.',
      )
    }
    signal.removeEventListener('abort', give)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    pauseMs = Math.min(longestPauseMs, pauseMs * 2)
  }
}
