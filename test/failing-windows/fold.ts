import { everyMs, gapMs, sizeMs, type Window, type WindowKind } from './program.js'
import type { Click } from './schedules.js'

/** What a fold over all records makes of them: none is late, so when windows close does not matter. */
export function fold(window: WindowKind, all: readonly Click[]): readonly Window[] {
  const open: Window[] = []
  for (const click of all) {
    for (const found of window === 'session' ? [sessionOf(click, open)] : windowsOf(window, click, open)) {
      found.ids.push(click.id)
      if (click.deletes) open.splice(open.indexOf(found), 1)
    }
  }
  return open
}

function windowsOf(window: WindowKind, { user, at }: Click, open: Window[]): readonly Window[] {
  const every = window === 'tumbling' ? sizeMs : everyMs
  const found: Window[] = []
  for (let start = Math.floor(at / every) * every; start > at - sizeMs; start -= every) {
    let one = open.find((each) => each.user === user && each.start === start)
    if (one === undefined) open.push((one = { user, start, end: start + sizeMs, ids: [] }))
    found.push(one)
  }
  return found
}

function sessionOf({ user, at }: Click, open: Window[]): Window {
  const [first, ...others] = open
    .filter((each) => each.user === user && each.start < at + gapMs && at < each.end)
    .sort((a, b) => a.start - b.start)
  if (first === undefined) {
    const made = { user, start: at, end: at + gapMs, ids: [] }
    open.push(made)
    return made
  }
  for (const other of others) {
    first.ids.push(...other.ids)
    first.end = Math.max(first.end, other.end)
    open.splice(open.indexOf(other), 1)
  }
  first.start = Math.min(first.start, at)
  first.end = Math.max(first.end, at + gapMs)
  return first
}
