/** A CA and a serving certificate as the webhook issues them, at a fixed time. */
import { currentCertificates } from '../../../webhook/certificates.ts';

export async function issueCertificates(
  nowMs: number,
  host = 'kubectl-mcp-webhook.kubectl-mcp-system.svc',
): Promise<{ ca: string; leaf: string }> {
  const issued = await currentCertificates({}, host, new Date(nowMs));
  return { ca: issued['ca.crt'], leaf: issued['tls.crt'] };
}
