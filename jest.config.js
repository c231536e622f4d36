const shared = {
  testEnvironment: 'node',
  moduleNameMapper: {
    '^millrace$': '<rootDir>/lib/index.ts',
    '^millrace/testing$': '<rootDir>/lib/testing/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
}

export default {
  coverageProvider: 'v8',
  // A hanging test must end; a machine that others use too may take five times as long as an idle one.
  testTimeout: 30_000,
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/*-contract.ts', '!lib/**/*-contract/**'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      // The model needs no broker.
      roots: ['<rootDir>/lib', '<rootDir>/test', '<rootDir>/examples', '<rootDir>/integration/model'],
    },
    {
      ...shared,
      displayName: 'integration',
      roots: ['<rootDir>/integration'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/integration/model/'],
      // Set up only when at least one of these tests runs, so `npx jest lib/store` starts no broker.
      globalSetup: '<rootDir>/integration/setup/start.mjs',
      globalTeardown: '<rootDir>/integration/setup/stop.mjs',
      // One after the other: they share a broker, and some of them measure time or kill processes.
      runner: '<rootDir>/integration/setup/serial-runner.cjs',
    },
  ],
}
