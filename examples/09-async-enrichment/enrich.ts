import { stateObject, topic } from 'millrace'
import { z } from 'zod'

const login = z.object({ user: z.string(), n: z.number(), ip: z.string() })
export type Login = z.infer<typeof login>

export const logins = topic('logins', login)
export const located = topic('located-logins', login.extend({ country: z.string(), isMove: z.boolean() }))
export const deadLogins = (app: string) => topic(`${app}-dlq`, login)

/** Asks another service. What it throws, or rejects with, is an error of the turn. */
export type Locate = (ip: string, signal: AbortSignal) => Promise<string>

export const locateBy =
  (url: string): Locate =>
  async (ip, signal) => {
    const response = await fetch(`${url}/${ip}`, { signal })
    if (!response.ok) throw new Error(`${response.status} for ${ip}`)
    return response.text()
  }

/**
 * While the service is asked for one user others go on; later logins of the same user wait, so each is compared with the
 * one before it.
 */
export const user = (locate: Locate) =>
  stateObject('user', { state: z.object({ country: z.string() }), init: () => ({ country: '' }) }).on(
    logins,
    {
      key: ({ user }) => user,
      // Tried again after 20, 40 and 80 ms. Then the login is a dead letter, and those of the same user behind it follow.
      onError: { attempts: 4, backoff: '20ms', then: 'dead-letter' },
      turnTimeout: '5s',
    },
    async (state, login, turn) => {
      const country = await locate(login.ip, turn.signal)
      turn.emit(located, { ...login, country, isMove: !turn.isNew && country !== state.country })
      state.country = country
    },
  )
