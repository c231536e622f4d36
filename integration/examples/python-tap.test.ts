import { output, rowsOf } from './output.js'

/** Over all readings, sensor by sensor. */
function expected(): string {
  return ['attic', 'cellar', 'garden']
    .map((sensor, at) => {
      const own = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => n % 3 === at)
      return `${sensor} ${Math.max(...own.map((n) => ((n * 7_919) % 400) / 10))} ${own.length}`
    })
    .join('\n')
}

it('readings come from a program in Python, and the highest go to another', async () => {
  expect(rowsOf(await output('13-python-tap'))).toBe(expected())
}, 60_000)
