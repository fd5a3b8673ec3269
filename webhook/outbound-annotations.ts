/** The annotations of the proxy's own way to identity providers and token endpoints: rows of the table in annotations.ts. */
import { dnsName } from './grammar.ts';
import type { Annotation } from './grammar.ts';
import { UPSTREAM_ANNOTATIONS } from './upstream-annotations.ts';

const { grammar, allowed } = UPSTREAM_ANNOTATIONS['upstream-proxy'];

export const OUTBOUND_ANNOTATIONS = {
  'ca-configmap': {
    grammar: dnsName,
    allowed: "the name of a ConfigMap of the pod's namespace",
    otherwise: 'those that everybody trusts alone',
    doc: 'The ConfigMap whose `ca.crt` holds further authorities for the certificates of identity providers and token endpoints. Changes are taken without a restart.',
  },
  'outbound-proxy': {
    grammar,
    allowed,
    otherwise: "`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the server's container",
    doc: 'The HTTP proxy through which these are reached, but for what `NO_PROXY` of the container names; `none`: directly, whatever the variables say.',
  },
} as const satisfies Record<string, Annotation>;

export const OF_OUTBOUND: readonly string[] = Object.keys(OUTBOUND_ANNOTATIONS);
