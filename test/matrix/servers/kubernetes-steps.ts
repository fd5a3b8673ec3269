import type { Step } from '../steps.ts';

/** With mcp-server-kubernetes, of a cluster that is not there: what it does without one. */
export const KUBERNETES_STEPS: readonly Step[] = [
  { feature: 'tools', do: 'tools', shows: /kubectl_get/ },
  { feature: 'denied tool', do: 'call', name: 'cleanup', shows: /success/ },
  {
    feature: 'call',
    do: 'call',
    name: 'kubectl_context',
    arguments: { operation: 'list' },
    shows: /env-context/,
  },
  { feature: 'prompts', do: 'prompt', name: 'k8s-diagnose', arguments: { keyword: 'Łódź' }, shows: /Łódź/ },
  { feature: 'resources', do: 'resources', shows: /Kubernetes Nodes/ },
  { feature: 'unknown tool', do: 'call', name: 'no_such_tool', shows: /error/i },
  { feature: 'missing resource', do: 'read', uri: 'nope://nothing', shows: /error/ },
  { feature: 'ping', do: 'ping', shows: /pong|none/ },
];
