/** Where the webhook's serving certificate lies. */
import type { V1Deployment } from '@kubernetes/client-node';
import { WEBHOOK_NAME } from '../../webhook/names.ts';

const DIRECTORY_ENV = 'KUBECTL_MCP_CERT_DIR';

/** The webhook's own Secret, but where another issues: what is mounted for it, as `components/cert-manager` does. */
export function certificateSecretOf(deployment: V1Deployment | null): string {
  const { containers = [], volumes } = deployment?.spec?.template.spec ?? {};
  const { env, volumeMounts } = containers[0] ?? {};
  const directory = env?.find(({ name }) => name === DIRECTORY_ENV)?.value;
  const mount = directory && volumeMounts?.find(({ mountPath }) => mountPath === directory);
  const volume = mount && volumes?.find(({ name }) => name === mount.name);
  return (volume && volume.secret?.secretName) || WEBHOOK_NAME;
}
