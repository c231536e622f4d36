import { counter, gauge, type Family } from './family.js'

/** The process that the app runs in. */
export const ofProcess: readonly Family[] = [
  gauge(
    'event_loop_delay_seconds',
    'How late the event loop ran what was due, over the last ten seconds or since the question before; absent in the first answer.',
    ['percentile'],
    ({ loop }) => [...(loop.read() ?? [])].map(([percentile, seconds]) => [seconds, percentile] as const),
  ),
  gauge(
    'event_loop_utilization_ratio',
    'Part of the time that the event loop was busy, since the start of the process.',
    [],
    ({ loop }) => loop.utilization,
  ),
  counter('process_cpu_seconds_total', 'CPU time of the process, all threads.', [], () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }),
  gauge('process_resident_memory_bytes', 'Memory of the process that is in RAM.', [], () => process.memoryUsage.rss()),
  gauge('process_heap_bytes', 'The JavaScript heap: what is used, and what there is of it.', ['part'], () => {
    const { heapUsed, heapTotal } = process.memoryUsage()
    return [
      [heapUsed, 'used'],
      [heapTotal, 'total'],
    ]
  }),
  gauge(
    'process_external_memory_bytes',
    'Memory of buffers outside the heap.',
    [],
    () => process.memoryUsage().external,
  ),
  gauge('process_uptime_seconds', 'Time since the start of the process.', [], () => process.uptime()),
]
