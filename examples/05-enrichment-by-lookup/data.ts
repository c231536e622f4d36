/** Made data, the same each time: prices that change, and orders of products that are known or not. */
const categories = ['books', 'games', 'garden', 'kitchen', 'music', 'tools']
const seed = 20_240

/** Numbers from 0 to below `limit`, always the same ones. */
function numbers(start: number): (limit: number) => number {
  let state = start
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** Three rounds of prices for 300 products: of each, only the last counts. */
export function* productRows() {
  const random = numbers(seed)
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 300; n++)
      yield { id: `p-${n}`, name: `Product ${n}`, category: categories[n % 6] as string, cents: 100 + random(10_000) }
  }
}

/** One order in fifty or so is of a product that is not there. */
export function* orderRows() {
  const random = numbers(seed + 1)
  for (let n = 0; n < 10_000; n++) yield { id: `o-${n}`, productId: `p-${random(306)}`, quantity: 1 + random(5) }
}
