import { createApp, memoryLog, text, topic } from 'millrace'

const flows = [topic('in', text()).to(topic('out', text()))]
createApp({ id: 'first', flows, log: memoryLog() })
createApp({ id: 'second', flows, log: memoryLog() })
