// Runs a TypeScript program of this tree in a process of its own, as Jest would: `node run-ts.cjs program.ts …`.
const { transformSync } = require('@swc/core')
const { readFileSync } = require('node:fs')
const Module = require('node:module')
const { resolve } = require('node:path')

const jsc = { target: 'es2022', parser: { syntax: 'typescript' } }
Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { filename, jsc, module: { type: 'commonjs' } })
  module._compile(code, filename)
}

const resolveFilename = Module._resolveFilename
Module._resolveFilename = function (request, ...others) {
  const isOurs = request.startsWith('.') && others[0]?.filename?.endsWith('.ts')
  return resolveFilename.call(this, isOurs ? request.replace(/\.js$/, '.ts') : request, ...others)
}

process.argv.splice(1, 1)
require(resolve(process.argv[1]))
