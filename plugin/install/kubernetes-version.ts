/** Whether the cluster is new enough for what is installed. */
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';

/** Native sidecars whose ports resolve (1.32), CEL match conditions (1.30). */
export const OLDEST_KUBERNETES = { major: 1, minor: 32 } as const;

/** @throws {CliError} for an older one. A version that cannot be read is let pass: the API server has the last word. */
export async function checkKubernetesVersion({ version, server }: Cluster): Promise<void> {
  const { gitVersion } = await version.getCode();
  if (isNewEnough(gitVersion)) return;
  const { major, minor } = OLDEST_KUBERNETES;
  throw new CliError(
    `the cluster at ${server} runs Kubernetes ${gitVersion}, and kubectl-mcp needs ${major}.${minor} or newer, for native sidecars and match conditions of webhooks\nUpgrade the cluster first`,
  );
}

/** By the first two numbers of `v1.32.1-gke.3`. */
function isNewEnough(gitVersion: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(gitVersion)?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return true;
  const oldest = OLDEST_KUBERNETES;
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}
