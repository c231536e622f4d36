import { createApp, memoryLog } from 'millrace'

export default createApp({ id: 'no spaces', objects: [], log: memoryLog() })
