import type { Step } from '../steps.ts';

/** With the reference server of the conformance suite. */
export const REFERENCE_STEPS: readonly Step[] = [
  { feature: 'tools', do: 'tools', shows: /test_simple_text/ },
  { feature: 'denied tool', do: 'call', name: 'test_image_content', shows: /image/ },
  { feature: 'call', do: 'call', name: 'test_multiple_content_types', shows: /Multiple content/ },
  { feature: 'progress', do: 'call', name: 'test_tool_with_progress', progress: true, shows: /\[0,50,100\]/ },
  {
    feature: 'log',
    do: 'call',
    name: 'test_tool_with_logging',
    level: 'info',
    messages: 3,
    shows: /completed/,
  },
  {
    feature: 'elicitation',
    do: 'call',
    name: 'test_input_required_result_elicitation',
    answer: { name: 'Ada' },
    shows: /Hello, Ada!/,
  },
  { feature: 'sampling', do: 'call', name: 'test_input_required_result_sampling', shows: /forty-two/ },
  { feature: 'roots', do: 'call', name: 'test_input_required_result_list_roots', shows: /file:\/\/\/here/ },
  {
    feature: 'prompts',
    do: 'prompt',
    name: 'test_prompt_with_arguments',
    arguments: { arg1: 'a', arg2: 'ü' },
    shows: /arg2='ü'/,
  },
  {
    feature: 'completion',
    do: 'complete',
    name: 'test_prompt_with_arguments',
    argument: { name: 'arg1', value: 'par' },
    shows: /party/,
  },
  { feature: 'resources', do: 'resources', shows: /static-text/ },
  { feature: 'templates', do: 'templates', shows: /template/ },
  { feature: 'read', do: 'read', uri: 'test://template/7/data', shows: /Data for ID: 7/ },
  { feature: 'list changed', do: 'changed', name: 'test_trigger_tool_change', shows: /tools/ },
  { feature: 'unknown tool', do: 'call', name: 'no_such_tool', shows: /error/i },
  { feature: 'missing resource', do: 'read', uri: 'nope://nothing', shows: /error/ },
  { feature: 'cancel', do: 'cancel', name: 'slow', arguments: { ms: 20_000 }, shows: /cancelled/ },
  { feature: 'ping', do: 'ping', shows: /pong|none/ },
];
