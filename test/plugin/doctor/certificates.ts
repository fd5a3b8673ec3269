/** A CA and a serving certificate of the webhook, at a fixed time. */
import { createAuthority } from '../../certificates.ts';

const DAY_MS = 86_400_000;

export async function issueCertificates(
  nowMs: number,
  host = 'kubectl-mcp-webhook.kubectl-mcp-system.svc',
  leafDays = 365,
): Promise<{ ca: string; leaf: string }> {
  const authority = await createAuthority(nowMs);
  const issued = await authority.issue([host], { notAfterMs: nowMs + leafDays * DAY_MS });
  return { ca: issued['ca.crt'], leaf: issued['tls.crt'] };
}
