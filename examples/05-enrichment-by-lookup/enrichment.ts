import { lookup, stateObject, topic } from 'millrace'
import { z } from 'zod'

const product = z.object({ id: z.string(), name: z.string(), category: z.string(), cents: z.number() })
const orderPlaced = z.object({ id: z.string(), productId: z.string(), quantity: z.number() })
const enriched = z.object({
  id: z.string(),
  product: z.string(),
  category: z.string(),
  quantity: z.number(),
  cents: z.number(),
})

/** Keyed by product, orders by order: a product's row and its orders are in different partitions. */
export const productsTopic = topic('products', product)
export const products = lookup(productsTopic)
export const orders = topic('orders', orderPlaced)
export const enrichedOrders = topic('enriched-orders', enriched)
/** Orders of products that are not in the table. */
export const unmatched = topic('orders-without-product', orderPlaced)

export const order = stateObject('order', { state: enriched.partial(), init: () => ({}) }).on(
  orders,
  ({ id }) => id,
  (state, placed, turn) => {
    const found = turn.lookup(products, placed.productId)
    if (found === undefined) return turn.emit(unmatched, placed)
    const { id, quantity } = placed
    const row = { id, product: found.name, category: found.category, quantity, cents: quantity * found.cents }
    // The price of today stays with the order, whatever becomes of the product.
    Object.assign(state, row)
    turn.emit(enrichedOrders, row)
  },
)
