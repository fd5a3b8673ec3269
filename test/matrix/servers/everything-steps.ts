import type { Step } from '../steps.ts';

/** With the unmodified server-everything; what it logs comes by chance, so nothing is asked about that. */
export const EVERYTHING_STEPS: readonly Step[] = [
  // A tool of its is there for clients alone that can be shown an URL.
  { feature: 'tools', do: 'tools', ignores: 'trigger-url-elicitation', shows: /trigger-elicitation-request/ },
  { feature: 'denied tool', do: 'call', name: 'get-tiny-image', shows: /image/ },
  { feature: 'call', do: 'call', name: 'echo', arguments: { message: 'ü' }, shows: /Echo: ü/ },
  // It asks of its own accord a moment after the session has begun, unless it knows.
  { feature: 'roots', do: 'call', name: 'get-roots-list', shows: /file:\/\/\/here/ },
  {
    feature: 'progress',
    do: 'call',
    name: 'trigger-long-running-operation',
    arguments: { duration: 0.3, steps: 3 },
    progress: true,
    shows: /\[1,2,3\]/,
  },
  {
    feature: 'elicitation',
    do: 'call',
    name: 'trigger-elicitation-request',
    answer: { name: 'Ada Lovelace', check: true },
    picks: /Name: .*/,
    shows: /Ada Lovelace/,
  },
  {
    feature: 'sampling',
    do: 'call',
    name: 'trigger-sampling-request',
    arguments: { prompt: 'what is it?', maxTokens: 10 },
    shows: /forty-two/,
  },
  { feature: 'prompts', do: 'prompt', name: 'args-prompt', arguments: { city: 'Łódź' }, shows: /Łódź/ },
  {
    feature: 'completion',
    do: 'complete',
    name: 'completable-prompt',
    argument: { name: 'department', value: 'E' },
    shows: /Engineering/,
  },
  { feature: 'resources', do: 'resources', shows: /architecture/ },
  { feature: 'templates', do: 'templates', shows: /Dynamic Text Resource/ },
  { feature: 'read', do: 'read', uri: 'demo://resource/static/document/features.md', shows: /features/i },
  {
    feature: 'subscription',
    do: 'subscribe',
    uri: 'demo://resource/static/document/features.md',
    name: 'toggle-subscriber-updates',
    shows: /features\.md/,
  },
  { feature: 'unknown tool', do: 'call', name: 'no_such_tool', shows: /error/i },
  { feature: 'missing resource', do: 'read', uri: 'nope://nothing', shows: /error/ },
  {
    feature: 'cancel',
    do: 'cancel',
    name: 'trigger-long-running-operation',
    arguments: { duration: 5, steps: 50 },
    shows: /cancelled/,
  },
  { feature: 'ping', do: 'ping', shows: /pong|none/ },
];
