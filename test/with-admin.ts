import type { LogAdmin, LogPort } from '../lib/log/port.js'

/** The log, whose administrator does what `instead` has, and all else as before. */
export function withAdmin<L extends LogPort>(log: L, instead: Partial<LogAdmin>): L {
  const admin = new Proxy(log.admin, {
    get: (target, name) => (Reflect.get(instead, name) as unknown) ?? bound(target, name),
  })
  return new Proxy(log, { get: (target, name) => (name === 'admin' ? admin : bound(target, name)) })
}

function bound(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name)
  return typeof member === 'function' ? (member.bind(target) as unknown) : member
}
