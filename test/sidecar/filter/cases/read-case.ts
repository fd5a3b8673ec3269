/** Cases as lines: WHO METHOD TARGET [ARGUMENTS] => allow|deny|arguments|scope RULE [SCOPES] */
import { givenArguments } from '../../../../sidecar/filter/call-arguments.ts';
import type { Asked } from '../../../../sidecar/filter/decide.ts';
import { toolFacts, type ToolFacts } from '../../../../sidecar/filter/decide-tool.ts';
import { ANONYMOUS, principal, type Principal } from '../../../../sidecar/principal.ts';

const serviceAccount = (namespace: string, name: string, ...more: string[]): Principal =>
  principal({
    kind: 'kubernetes',
    issuer: 'https://kubernetes.default.svc',
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, ...more],
    actors: [],
  });

const person = (name: string, ...scopes: string[]): Principal =>
  principal({
    kind: 'oidc',
    issuer: 'https://login.example.com',
    name: `oidc:${name}`,
    groups: [],
    actors: [],
    scopes,
  });

export const CALLERS: Readonly<Record<string, Principal>> = {
  planner: serviceAccount('agents', 'planner'),
  operator: serviceAccount('ops', 'operator', 'mcp-admins'),
  alice: principal({ kind: 'token', issuer: 'secret/tokens', name: 'token:alice', groups: [], actors: [] }),
  reader: person('reader', 'k8s:read'),
  writer: person('writer', 'openid', 'k8s:read', 'k8s:write'),
  guest: person('guest'),
  nobody: ANONYMOUS,
};

const READS = { readOnlyHint: true };
const WRITES = { destructiveHint: true };
/** Those of mcp-server-kubernetes 4.1.4, with its hints and without those that it lacks. */
export const SERVER_TOOLS = (
  [
    ...['ping', 'kubectl_get', 'kubectl_describe', 'kubectl_logs', 'kubectl_context'].map((name) => [
      name,
      READS,
    ]),
    ...['explain_resource', 'list_api_resources'].map((name) => [name, READS]),
    ['kubectl_reconnect', { readOnlyHint: false, destructiveHint: false }],
    ...['cleanup', 'exec_in_pod', 'kubectl_apply', 'kubectl_delete', 'kubectl_generic'].map((name) => [
      name,
      WRITES,
    ]),
    ...['kubectl_patch', 'kubectl_rollout', 'kubectl_scale', 'node_management'].map((name) => [name, WRITES]),
    ...['install_helm_chart', 'upgrade_helm_chart', 'uninstall_helm_chart'].map((name) => [name, WRITES]),
    ...['kubectl_create', 'port_forward', 'stop_port_forward'].map((name) => [name, undefined]),
  ] as [string, object | undefined][]
).map(([name, annotations]) => ({
  name,
  inputSchema: { type: 'object' },
  ...(annotations && { annotations }),
}));
export const TOOLS: ReadonlyMap<string, ToolFacts> = new Map(
  SERVER_TOOLS.map((tool) => [tool.name, toolFacts(tool)!]),
);

export interface Case {
  readonly line: string;
  readonly who: string;
  readonly asked: Asked;
  /** As JSON-RPC has them. */
  readonly params: Record<string, unknown>;
  readonly expected: string;
}

export const casesIn = (lines: string): Case[] =>
  lines
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(readCase);

function readCase(line: string): Case {
  const [, left = '', expected = ''] = /^(.*?)\s+=>\s+(.*)$/.exec(line) ?? [];
  const [, who = '', method = '', target = '', , text] =
    /^(\S+)\s+(\S+)\s+(\S+)(\s+(\{.*\}))?$/.exec(left) ?? [];
  const args = text === undefined ? {} : (JSON.parse(text) as object);
  const [short, kind] = method.split(':');
  const full = METHODS[short as keyof typeof METHODS];
  if (!full || !CALLERS[who]) throw new Error(`no case: ${line}`);
  return {
    line,
    who,
    asked: {
      method: full,
      target,
      reference: kind as 'prompt' | 'resource' | undefined,
      address: '10.0.0.7',
      ...(full === 'completion/complete' ? {} : { args: () => givenArguments(args) }),
    },
    params: paramsOf(full, target, args, kind),
    expected: expected.replace(/\s+/g, ' '),
  };
}

const METHODS = {
  call: 'tools/call',
  get: 'prompts/get',
  read: 'resources/read',
  subscribe: 'resources/subscribe',
  unsubscribe: 'resources/unsubscribe',
  complete: 'completion/complete',
  list: 'tools/list',
} as const;

function paramsOf(method: string, target: string, args: object, kind: string | undefined) {
  if (method.startsWith('resources/')) return { uri: target };
  if (method !== 'completion/complete') return { name: target, arguments: args };
  const ref =
    kind === 'prompt' ? { type: 'ref/prompt', name: target } : { type: 'ref/resource', uri: target };
  return { ref, argument: { name: 'path', value: '' } };
}
