import type { Route } from '../../http/route.js'
import type { Inside } from '../readings/family.js'
import { LoopDelay } from '../readings/loop-delay.js'
import { readings, type Reading } from './reading.js'
import { StoreSize } from '../readings/store-size.js'
import type { TelemetrySource } from './telemetry.js'
import { contentType, prometheusText } from './text.js'

/** No file of a store is in a folder of this name: theirs ends with the number of a slot. */
const memoryLocation = 'memory'

/** The metrics of an app, whatever it is doing: read when they are asked for. */
export class Metrics {
  readonly #inside: Inside

  constructor(inside: Omit<Inside, 'loop' | 'storeSize'>) {
    const { clock } = inside.engine.options
    this.#inside = { ...inside, loop: new LoopDelay(), storeSize: new StoreSize(clock) }
  }

  /** In the text format of Prometheus. Never rejects, and waits for nothing but the sizes of files, half a second at most. */
  async text(): Promise<string> {
    await this.look()
    return prometheusText(this.#inside.app, this.readings())
  }

  readings(): readonly Reading[] {
    return readings(this.#inside)
  }

  /** Counts what takes time to count, if that is long ago. Never rejects. */
  look(): Promise<void> {
    const { engine, storeSize } = this.#inside
    const location = engine.watch.inside.parts?.folder.location
    return storeSize.look(location === memoryLocation ? undefined : location)
  }

  /** For whoever sends them elsewhere. */
  get source(): TelemetrySource {
    return { app: this.#inside.app, readings: () => this.readings(), look: () => this.look() }
  }

  get routes(): readonly Route[] {
    const handle = async (): Promise<Response> =>
      new Response(await this.text(), { headers: { 'content-type': contentType, 'cache-control': 'no-store' } })
    return [{ method: 'GET', path: '/metrics', access: 'read', handle }]
  }

  /** The event loop is not measured any more. */
  end(): void {
    this.#inside.loop.end()
  }
}
