import { memoryFolder } from './memory-folder.js'
import { storeContract } from '../store-contract.js'

storeContract('memoryFolder', async () => ({ folder: memoryFolder(), remove: async () => undefined }))

describe('a memory folder', () => {
  it('can be used again after close and still holds what was written, as a directory outlives its process', async () => {
    const folder = memoryFolder()
    const store = await folder.open(0, { purpose: 'live' })
    const batch = store.batch()
    batch.put('a', '1')
    await batch.write({ sync: false })
    await folder.close()
    const again = await folder.open(0, { purpose: 'live' })
    expect(again.get('a')).toBe('1')
    await folder.close()
  })
})
