/** Who else writes a Secret, and may take a change back. Pure. */
import type { V1Secret } from '@kubernetes/client-node';
import { owningTool } from '../kube/owning-tool.ts';

/** They make Secrets of what lies elsewhere. */
const MAKERS = new Set(['ExternalSecret', 'SealedSecret', 'VaultStaticSecret', 'Certificate']);

export function warnOfOwners(secret: V1Secret): string[] {
  const title = `secret/${secret.metadata?.name}`;
  const tool = owningTool(secret);
  const makers = (secret.metadata?.ownerReferences ?? []).filter(({ kind }) => MAKERS.has(kind));
  return [
    ...(tool === undefined
      ? []
      : [
          `${title} is kept by ${tool}, which may change it back: put its new data into the repository, or let the tool leave it alone`,
        ]),
    ...makers.map(
      ({ kind, name }) =>
        `${title} is made by ${kind} ${name}, which changes it back: change the tokens where it takes them from`,
    ),
  ];
}
