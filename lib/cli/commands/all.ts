import type { Define } from '../frame/does.js'

/** A command; its file is read when it is called. */
export interface Listed {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<{ readonly define: Define }>
}

/** In the order of the help text: from the first day to the bad one. */
export const commands: readonly Listed[] = [
  { name: 'new', summary: 'a project to start with, that runs at once', load: () => import('./new.js') },
  {
    name: 'describe',
    summary: 'what an app is: its topics, state objects and what goes between them; without a program what Kafka knows',
    load: () => import('./describe.js'),
  },
  {
    name: 'run',
    summary: 'a program in several processes, which are one to the outside',
    load: () => import('./run.js'),
  },
  {
    name: 'topics',
    summary: 'the topics an app needs: list, check, create, and the permissions on them',
    load: () => import('./topics.js'),
  },
  {
    name: 'lag',
    summary: 'how far an app is behind, in each partition, and who has it',
    load: () => import('./lag.js'),
  },
  {
    name: 'state',
    summary: 'what objects hold: get, list, dump, watch',
    load: () => import('./state.js'),
  },
  {
    name: 'quarantine',
    summary: 'objects in quarantine: list, release',
    load: () => import('./quarantine.js'),
  },
  {
    name: 'dlq',
    summary: 'dead letters: list, show, send back, drop, export',
    load: () => import('./dlq.js'),
  },
  {
    name: 'verify',
    summary: 'is the changelog what stores, a running app and published topics have?',
    load: () => import('./verify.js'),
  },
  {
    name: 'reset',
    summary: 'has a stopped app begin anew: offsets, state, local stores',
    load: () => import('./reset.js'),
  },
  {
    name: 'completion',
    summary: 'completions for your shell',
    load: () => import('./completion.js'),
  },
]
