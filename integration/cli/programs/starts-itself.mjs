// A program as the first page of the documentation has it: all in one file, and running when it is imported.
import { createApp, memoryLog, text, topic } from 'millrace'

const app = createApp({ id: 'by-itself', flows: [topic('in', text()).to(topic('out', text()))], log: memoryLog() })
await app.start()
throw new Error('it goes on after start, which it must not here')
