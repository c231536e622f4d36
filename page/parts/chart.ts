import uPlot from 'uplot'
import { html, useEffect, useRef, type VNode } from '../html.js'
import type { Series } from '../rates.js'
import { kept } from '../rates.js'
import { useTheme } from '../theme.js'

export interface Line {
  readonly name: string
  readonly values: Series
}

export interface ChartProps {
  readonly title: string
  readonly at: readonly number[]
  readonly lines: readonly Line[]
  readonly show: (value: number) => string
  readonly height?: number
  /** What it shows is counted: between two of it there is nothing. */
  readonly isCount?: boolean
}

/** Lines over the last minutes. What it shows now stands beside it as text, for those who do not see the lines. */
export function Chart({ title, at, lines, show, height = 150, isCount = false }: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const theme = useTheme()
  const names = lines.map(({ name }) => name).join('\n')
  const data = [at.slice(), ...lines.map(({ values }) => values.slice())] as uPlot.AlignedData
  useEffect(() => {
    const box = place.current
    if (box === null) return undefined
    const made = new uPlot(options(box, lines, show, height, isCount), data, box)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height }))
    resized.observe(box)
    return () => {
      resized.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [names, theme])
  useEffect(() => plot.current?.setData(data), [at.at(-1), at.length])
  return html`<figure class="chart">
    <figcaption>
      <span class="chart-title">${title}</span>
      <span class="legend">
        ${lines.map(({ name, values }, index) => {
          const value = values.at(-1)
          return html`<span class="legend-line" key=${name}
            ><i class=${`swatch line-${index % 8}`}></i>${name}<b
              >${value === null || value === undefined ? '–' : show(value)}</b
            ></span
          >`
        })}
      </span>
    </figcaption>
    <div class="plot" ref=${place} aria-hidden="true"></div>
  </figure>`
}

function options(
  box: HTMLElement,
  lines: readonly Line[],
  show: (value: number) => string,
  height: number,
  isCount: boolean,
): uPlot.Options {
  const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const [grid, ink] = [colour('--grid'), colour('--ink-soft')]
  const font = '11px system-ui, sans-serif'
  const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } }
  return {
    width: Math.max(200, box.clientWidth),
    height,
    // Half of a time of day has to fit to the right of the last tick.
    padding: [8, 30, 0, 0],
    legend: { show: false },
    cursor: { show: true, x: true, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      // Always the same span, so that it does not seem to run at first and to walk later.
      x: { time: true, range: (_, _min, max) => [(max ?? Date.now() / 1_000) - kept + 1, max ?? Date.now() / 1_000] },
      y: { range: (_, _min, max) => [0, niceTop(max)] },
    },
    axes: [
      { ...axis, size: 24, values: '{HH}:{mm}:{ss}', space: 70 },
      {
        ...axis,
        size: 62,
        gap: 6,
        space: 34,
        values: (_, ticks) => ticks.map((tick) => show(tick)),
        ...(isCount ? { incrs: wholeSteps } : {}),
      },
    ],
    series: [
      {},
      ...lines.map(({ name }, index) => ({
        label: name,
        stroke: colour(`--line-${index % 8}`),
        width: 1.75,
        ...(lines.length === 1 ? { fill: colour('--line-fill') } : {}),
        points: { show: false },
        spanGaps: false,
      })),
    ],
  }
}

/** 1, 2, 5, 10, … */
const wholeSteps = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat()

/** Something above the lines, also where all is nothing. */
const niceTop = (max: number | null): number => (max === null || !(max > 0) ? 1 : max * 1.15)
