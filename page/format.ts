/** 940, 12.3 k, 1.2 M. */
export function short(n: number): string {
  if (!Number.isFinite(n)) return '–'
  const size = Math.abs(n)
  if (size >= 999_500_000) return `${trimmed(n / 1e9)} G`
  if (size >= 999_500) return `${trimmed(n / 1e6)} M`
  if (size >= 9_995) return `${trimmed(n / 1e3)} k`
  return size >= 100 || Number.isInteger(n) ? grouped(Math.round(n)) : trimmed(n)
}

const trimmed = (n: number): string => n.toFixed(Math.abs(n) >= 100 ? 0 : 1).replace(/\.0$/, '')
const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, '\u2009')

export const rate = (perSecond: number | undefined): string => (perSecond === undefined ? '–' : `${short(perSecond)}/s`)

export function milliseconds(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '–'
  if (ms === 0) return '0 s'
  if (ms < 1) return `${Math.round(ms * 1_000)} µs`
  if (ms < 1_000) return `${trimmed(ms)} ms`
  return span(ms)
}

/** How long something lasts, in the two largest units. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

export const bytes = (n: number): string => {
  if (n < 1_024) return `${n} B`
  return n < 1_048_576 ? `${Math.round(n / 1_024)} KiB` : `${trimmed(n / 1_048_576)} MiB`
}

/** As late as a date can be, less a day: it is shown in the time of the reader. */
const latest = 8.64e15 - 86_400_000

/** A moment of this day by its time, of others with the day. */
export function moment(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > latest) return '–'
  const date = new Date(ms)
  const iso = new Date(ms - date.getTimezoneOffset() * 60_000).toISOString()
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`
}

/** In how long, or how long ago. */
export function fromNow(ms: number, now = Date.now()): string {
  return ms >= now ? `in ${span(ms - now)}` : `${span(now - ms)} ago`
}

/** Characters that cannot be seen, or change how others are seen, as escapes: keys are what anybody sends. */
export function visible(text: string, most = 300): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text
  return cut.replace(
    // oxlint-disable-next-line no-control-regex
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The same of a text over several lines. */
export const visibleText = (text: string): string => visible(text, 50_000)

/** A key in one line. */
export const visibleKey = (key: string, most = 300): string =>
  key === '' ? '(empty)' : visible(key, most).replace(/[\t\n]/g, (character) => (character === '\n' ? '\\n' : '\\t'))
