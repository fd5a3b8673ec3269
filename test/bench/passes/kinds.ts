/** The sidecar with nothing to do, and with one thing each: what that costs is the difference. */
import { join } from 'node:path';
import type { SidecarConfigInput } from '../../../sidecar/config.ts';
import { POLICY_KEY } from '../../../sidecar/filter/read-policy.ts';
import { kubernetesKind, mount, tokenKind } from '../kinds.ts';
import type { SidecarKind } from '../targets.ts';

type ServerInput = SidecarConfigInput['servers'][number];

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

/** @returns the kinds, {@link NOTHING} first, and what ends the API server that one of them asks */
export async function passKinds(
  directory: string,
  token: string,
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
  const cluster = await kubernetesKind();
  const kinds = [
    kind(NOTHING, {}),
    kind('auth: token', { auth: tokenKind(directory, token).server.auth }),
    { ...cluster.kind, ...kind('auth: kubernetes', cluster.kind.server), token: cluster.kind.token },
    kind('audit: stdout', { audit: 'stdout' }),
    kind('allow-tools', { filter: { allowTools: ['echo', 'blob', 'get_*'], mode: 'all' } }),
    ...Object.entries(POLICIES).map(withPolicy),
  ];
  return { kinds, stop: cluster.stop };
}
