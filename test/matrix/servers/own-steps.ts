import type { Step } from '../steps.ts';

/** With the servers of this folder, which have the same tools in each language. */
export const OWN_STEPS: readonly Step[] = [
  { feature: 'tools', do: 'tools', shows: /echo.*touch/ },
  { feature: 'denied tool', do: 'call', name: 'denied', shows: /done/ },
  { feature: 'call', do: 'call', name: 'echo', arguments: { message: 'ü' }, shows: /ü/ },
  { feature: 'progress', do: 'call', name: 'progress', progress: true, shows: /\[1,2,3\]/ },
  { feature: 'log', do: 'call', name: 'log', level: 'warning', messages: 2, shows: /warning one.*error two/ },
  { feature: 'elicitation', do: 'call', name: 'elicit', answer: { name: 'Ada' }, shows: /Hello, Ada/ },
  { feature: 'sampling', do: 'call', name: 'sample', shows: /forty-two/ },
  { feature: 'roots', do: 'call', name: 'roots', shows: /file:\/\/\/here/ },
  { feature: 'prompts', do: 'prompt', name: 'greet', arguments: { name: 'Łódź' }, shows: /Łódź/ },
  {
    feature: 'completion',
    do: 'complete',
    name: 'greet',
    argument: { name: 'name', value: 'A' },
    shows: /Ada/,
  },
  { feature: 'resources', do: 'resources', shows: /note/ },
  { feature: 'templates', do: 'templates', shows: /item/ },
  { feature: 'read', do: 'read', uri: 'test://item/7', shows: /item 7/ },
  { feature: 'subscription', do: 'subscribe', uri: 'test://note', name: 'touch', shows: /test:\/\/note/ },
  { feature: 'list changed', do: 'changed', name: 'change_tools', shows: /tools/ },
  { feature: 'unknown tool', do: 'call', name: 'no_such_tool', shows: /error/i },
  { feature: 'missing resource', do: 'read', uri: 'nope://nothing', shows: /error/ },
  // `was_cancelled` says so once.
  { feature: 'cancel', do: 'cancel', name: 'slow', after: 'was_cancelled', shows: /cancelled.*yes/ },
  { feature: 'ping', do: 'ping', shows: /pong|none/ },
];

/** The Go SDK's servers do not hear of a call that is cancelled where they keep no sessions. */
export const STATELESS_STEPS: readonly Step[] = OWN_STEPS.map(({ after, ...step }) =>
  after === undefined ? step : { ...step, shows: /cancelled/ },
);
