// Jest's own runner, one test file at a time.
const { default: Runner } = require('jest-runner')

module.exports = class SerialRunner extends Runner {
  isSerial = true
}
