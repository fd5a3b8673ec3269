/** The annotations of callers with client certificates: rows of the table in annotations.ts. */
import { z } from 'zod';
import { CERTIFICATE_GLOB } from '../sidecar/auth/mtls/mtls-config.ts';
import { dnsName, listOf } from './grammar.ts';
import type { Annotation } from './grammar.ts';

const needs = { key: 'auth', value: 'mtls' };

export const MTLS_ANNOTATIONS = {
  'mtls-ca-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'required by `auth: mtls`, or `mtls-ca-configmap`',
    needs,
    doc: 'The Secret whose `ca.crt` holds the authorities that client certificates must be of; nothing else of it reaches the pod. Changes are taken without a restart, also for connections that are open. Needs `tls-secret`.',
  },
  'mtls-ca-configmap': {
    grammar: dnsName,
    allowed: "the name of a ConfigMap of the pod's namespace",
    otherwise: 'see `mtls-ca-secret`',
    needs,
    insteadOf: 'mtls-ca-secret',
    doc: 'The ConfigMap whose `ca.crt` holds these authorities.',
  },
  'mtls-allow': {
    grammar: listOf(z.string().regex(CERTIFICATE_GLOB)),
    allowed: 'a comma list of names of printable ASCII without spaces, "*" and "?" match',
    otherwise: 'every certificate of these authorities',
    needs,
    doc: 'Names of client certificates that may call: the first URI of the alternative names (SPIFFE), else the first DNS name, else the common name.',
  },
} as const satisfies Record<string, Annotation>;
