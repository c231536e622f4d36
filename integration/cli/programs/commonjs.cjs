// The other build of the library than that of the command.
const { createApp, memoryLog, text, topic } = require('millrace')

module.exports = createApp({ id: 'common', flows: [topic('in', text()).to(topic('out', text()))], log: memoryLog() })
