/** The sidecar with nothing to do, and with one thing each: what that costs is the difference. */
import { join } from 'node:path';
import type { SidecarConfigInput } from '../../../sidecar/config.ts';
import { POLICY_KEY } from '../../../sidecar/filter/read-policy.ts';
import { startReviewingApi } from '../../sidecar/access/reviewing-api.ts';
import { configMapOf } from '../../../plugin/pin/config-map.ts';
import { definitionOf } from '../../../sidecar/pins/definition.ts';
import { kubernetesKind, mount, tokenKind } from '../kinds.ts';
import { exchangeKind } from './exchange-kind.ts';
import { oidcKind } from './oidc-kind.ts';
import type { SidecarKind } from '../targets.ts';

type ServerInput = SidecarConfigInput['servers'][number];
type KindInput = Exclude<ServerInput['auth'], { mode: 'several' | 'none' }>;

export const NOTHING = 'nothing';

/** What is asked of a policy file that holds some of all that people write. */
const POLICIES: Readonly<Record<string, string>> = {
  'policy, patterns': 'tools: { allow: [echo, blob, "get_*"], deny: ["delete_*"], mode: all }',
  'policy, a rule on the caller':
    'rules: [{ name: callers, tools: ["*"], allow: \'principal.name == "anonymous" || "ops" in principal.groups\' }]',
  'policy, a rule on arguments':
    'rules: [{ name: limits, tools: [echo], allow: "!has(args.limit) || args.limit <= 100" }]',
  // Nobody has scopes here: of a tool that is not asked for.
  'policy, scopes': 'tools: { scopes: [{ tools: ["admin_*"], scopes: ["tools:admin"], visible: true }] }',
  // They have each other's names: what calls ask for is answered either way.
  'overrides, renamed': 'tools: { overrides: [{ tool: echo, name: get_00 }, { tool: get_00, name: echo }] }',
};

/** Tools that Roles name; the others of the server are hidden. */
const NAMED = ['echo', 'blob', 'get_00', 'get_01'];

/** @returns the kinds, {@link NOTHING} first, and what ends the API servers that some of them ask */
/**
 * @param tools that the server has
 * @returns the kinds, {@link NOTHING} first, and what ends the API server that one of them asks
 */
export async function passKinds(
  directory: string,
  token: string,
  tools: readonly object[],
): Promise<{ kinds: SidecarKind[]; stop: () => Promise<void> }> {
  const plain = { auth: { mode: 'none' }, audit: 'none', filter: { mode: 'all' } } as const;
  const kind = (name: string, server: Partial<ServerInput>): SidecarKind => ({
    name,
    token,
    server: { ...plain, ...server },
  });
  const withPolicy = ([name, text]: [string, string], index: number): SidecarKind => {
    const at = join(directory, `policy-${index}`);
    mount(at, { [POLICY_KEY]: `version: 1\n${text}\n` });
    return kind(name, { policy: { source: 'configmap/bench', directory: at } });
  };
  const pins = join(directory, 'pins');
  mount(pins, pinsOf(tools));
  const cluster = await kubernetesKind();
  const asking = async (name: string, grants: readonly string[]) => {
    const { apiServer, directory: account, remove } = await startReviewingApi(grants);
    const env = { KUBERNETES_SERVICE_HOST: apiServer.host, KUBERNETES_SERVICE_PORT: String(apiServer.port) };
    return {
      kind: { ...kind(name, { authorization: { mode: 'kubernetes', directory: account } }), env },
      stop: remove,
    };
  };
  const caller = 'system:unauthenticated call';
  const reviewed = await Promise.all([
    asking('authorization, all tools', [caller]),
    asking(
      'authorization, tools by name',
      NAMED.map((name) => `${caller} ${name}`),
    ),
  ]);
  const oidc = await oidcKind();
  const kinds = [
    kind(NOTHING, {}),
    kind('auth: token', { auth: tokenKind(directory, token).server.auth }),
    { ...cluster.kind, ...kind('auth: kubernetes', cluster.kind.server), token: cluster.kind.token },
    { ...kind('auth: oidc', oidc.server), token: oidc.token },
    {
      ...kind('auth: token, upstream-token', { auth: tokenKind(directory, token).server.auth }),
      upstreamToken: await exchangeKind(directory),
    },
    {
      ...cluster.kind,
      ...kind('auth: kubernetes,token', {
        auth: {
          mode: 'several',
          of: [cluster.kind.server.auth as KindInput, tokenKind(directory, token).server.auth as KindInput],
        },
      }),
      token: cluster.kind.token,
    },
    kind('audit: stdout', { audit: 'stdout' }),
    kind('allow-tools', { filter: { allowTools: ['echo', 'blob', 'get_*'], mode: 'all' } }),
    ...Object.entries(POLICIES).map(withPolicy),
    ...reviewed.map((each) => each.kind),
    kind('mask: default', { mask: 'default' }),
    kind('pins', { pins: { source: 'configmap/bench', directory: pins } }),
  ];
  const stop = async (): Promise<void> => {
    for (const each of [cluster, ...reviewed]) await each.stop();
  };
  return { kinds, stop };
}

/** All of them as they are. */
function pinsOf(tools: readonly object[]): Record<string, string> {
  const definitions = new Map(tools.map((tool) => [(tool as { name: string }).name, definitionOf(tool)]));
  return configMapOf({ tools, definitions }, { name: 'bench', namespace: 'bench', instance: 'bench' }).data!;
}
