import { propertySuites, quickKafkaSuites } from './integration/setup/suites.mjs'

const shared = {
  testEnvironment: 'node',
  moduleNameMapper: {
    '^millrace$': '<rootDir>/lib/index.ts',
    '^millrace/(testing|connect|tcp|rabbitmq|singer|opentelemetry)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    'lib/watch/page/bundle\\.ts$': '<rootDir>/scripts/page-transform.mjs',
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
}

const onBrokers = {
  ...shared,
  roots: ['<rootDir>/integration'],
  // Set up only when at least one of these tests runs, so `npx jest lib/store` starts no broker.
  globalSetup: '<rootDir>/integration/setup/start.mjs',
  globalTeardown: '<rootDir>/integration/setup/stop.mjs',
  // One after the other: they share a broker, and some of them kill processes.
  runner: '<rootDir>/integration/setup/serial-runner.cjs',
}

const inRoot = (file) => `<rootDir>/${file}`

/**
 * `npm test` is the projects `unit` and `kafka`. `npm run test:long` is `integration`, `zod-4.0`, and of `unit` what
 * makes more runs with MILLRACE_LONG=true.
 */
export default {
  coverageProvider: 'v8',
  // A hanging test must end; a machine that others use too may take five times as long as an idle one. Property tests make many
  // more runs in the long suite.
  testTimeout: process.env.MILLRACE_LONG === 'true' ? 300_000 : 60_000,
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/*-contract.ts', '!lib/**/*-contract/**'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      ...(process.env.MILLRACE_LONG === 'true' ? { testMatch: propertySuites().map(inRoot) } : {}),
      // The model needs no broker.
      roots: ['<rootDir>/lib', '<rootDir>/test', '<rootDir>/examples', '<rootDir>/integration/model'],
    },
    {
      ...shared,
      // The codecs with the least version of zod that the package takes as its peer.
      displayName: 'zod-4.0',
      moduleNameMapper: { '^zod$': 'zod-4.0', ...shared.moduleNameMapper },
      // z.codec came with zod 4.1.
      testPathIgnorePatterns: ['/node_modules/', '/zod-codecs\\.test\\.ts$'],
      roots: ['<rootDir>/lib/codec', '<rootDir>/lib/model'],
    },
    { ...onBrokers, displayName: 'kafka', testMatch: quickKafkaSuites.map(inRoot) },
    {
      ...onBrokers,
      displayName: 'integration',
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/integration/model/', ...quickKafkaSuites.map(inRoot)],
    },
  ],
}
