import { writtenKey } from '../../../webhook/request.ts';
import { PREFIX } from '../../../webhook/names.ts';
import { parseAnnotations } from '../../../webhook/parse-annotations.ts';
import { WIDE_OPEN, widelyOpen } from '../../../webhook/warnings.ts';
import { WARN_DAYS } from '../../sources/faults.ts';
import { defineCheck } from '../check.ts';
import { isOfProvider } from './oidc.ts';
import { isOfToken } from './upstream-token.ts';
import { isOfReviews } from './reviews.ts';
import { refusedHosts } from '../../sources/ingress-hosts.ts';
import { changeCommand, placed, podName, proxyLogs, servicesOf, toldServers } from '../served.ts';
import { findingsOf } from '../source-findings.ts';

const renew =
  'Put a new certificate into the Secret (cert-manager does so by itself); the proxies take it within two minutes, without a restart.';

export const edgeChecks = [
  defineCheck({
    code: 'MCP207',
    category: 'certificate',
    title: 'the Secrets of tls-secret hold a certificate and its key',
    severity: 'error',
    about: `The Secret of \`${PREFIX}tls-secret\` is not of type kubernetes.io/tls, or its certificate and key cannot be used together. A proxy that starts with it takes no connection; one that runs keeps the certificate before.`,
    remedy:
      'Create it anew from the PEM files: `kubectl create secret tls NAME --cert=FILE --key=FILE`. The certificate of the server comes first in `tls.crt`, those of intermediate CAs after it.',
    needs: ['workloads', 'secrets'],
    run: (seen, context) => findingsOf(seen, context, ['certificate'], 'Secret'),
  }),
  defineCheck({
    code: 'MCP208',
    category: 'certificate',
    title: `no certificate of a tls-secret expires within ${WARN_DAYS} days`,
    severity: 'warning',
    about:
      'The certificate of a listen port ends soon. An error when it has ended, or does not begin yet: then clients refuse to connect.',
    remedy: renew,
    needs: ['workloads', 'secrets'],
    run: (seen, context) => findingsOf(seen, context, ['expiry'], 'Secret'),
  }),
  defineCheck({
    code: 'MCP209',
    category: 'certificate',
    title: 'the certificates are for the names of the Services',
    severity: 'warning',
    about:
      'Callers in the cluster reach the proxy by a Service whose name the certificate does not hold, nor that of `public-url`: they refuse to connect.',
    remedy:
      'Issue the certificate for `SERVICE.NAMESPACE.svc` (and what else callers write), or set `public-url` where all callers use a name outside the cluster.',
    needs: ['workloads', 'secrets', 'services'],
    run: (seen, context) => findingsOf(seen, context, ['names'], 'Secret'),
  }),
  defineCheck({
    code: 'MCP506',
    category: 'sidecar',
    title: 'the proxies tell of no problem',
    severity: 'warning',
    about:
      'The proxy answers calls, but something that it was given cannot be used: a policy, a certificate, tokens or headers. What it had before stays in use where that is safe; the finding says so.',
    remedy:
      'The message names the source and the fault. It goes away within two minutes of its mend, without a restart.',
    needs: ['pods', 'health'],
    run: (seen) =>
      toldServers(seen)
        .map(({ pod, server: { problems = [], access_error: access } }) => ({
          pod,
          // They have a check of their own.
          cause: problems.filter(
            (each) => each !== access && !isOfProvider(each) && !isOfToken(each) && !isOfReviews(each),
          ),
        }))
        .filter(({ cause }) => cause.length > 0)
        .map(({ pod, cause }) => ({
          title: `${podName(pod)}: the proxy tells of a problem`,
          cause,
          fix: proxyLogs(pod),
        })),
  }),
  defineCheck({
    code: 'MCP708',
    category: 'auth',
    title: 'Host and Origin are checked',
    severity: 'warning',
    about:
      'With `*` in `allowed-hosts` a web page can reach the server by DNS rebinding; with `*` in `allowed-origins` any web page may call it from the browser of who can reach it.',
    remedy: 'Name the hosts and origins that clients use.',
    needs: ['workloads'],
    run: ({ workloads }) =>
      workloads.flatMap((workload) => {
        const parsed = parseAnnotations(workload.spec.template.metadata?.annotations);
        if ('refusals' in parsed) return [];
        return parsed.servers.flatMap((request) =>
          widelyOpen(request).map((key) => ({
            title: `${placed(workload)}: ${PREFIX}${writtenKey(request, key)} holds "*"`,
            cause: [WIDE_OPEN[key]],
            fix: changeCommand(workload, request, `--${key} NAME,...`),
          })),
        );
      }),
  }),
  defineCheck({
    code: 'MCP709',
    category: 'auth',
    title: 'not everybody is a trusted proxy',
    severity: 'warning',
    about:
      'With a block of all addresses in `trusted-proxies`, every caller can write any client address into the audit line.',
    remedy:
      'Name the addresses of the proxies in front: the pods of the Ingress controller, the load balancer.',
    needs: ['workloads'],
    run: ({ workloads }) =>
      workloads.flatMap((workload) => {
        const parsed = parseAnnotations(workload.spec.template.metadata?.annotations);
        if ('refusals' in parsed) return [];
        return parsed.servers.flatMap((request) => {
          const all = (request['trusted-proxies'] ?? []).filter((each) => each.endsWith('/0'));
          const key = writtenKey(request, 'trusted-proxies');
          return all.length === 0
            ? []
            : [
                {
                  title: `${placed(workload)}: ${PREFIX}${key} holds ${all.join(' and ')}`,
                  fix: changeCommand(workload, request, '--trusted-proxies CIDR,...'),
                },
              ];
        });
      }),
  }),
  defineCheck({
    code: 'MCP711',
    category: 'network',
    title: 'the hosts of Ingresses that lead to a proxy are allowed',
    severity: 'warning',
    about:
      'An Ingress sends requests for a host to the proxy that is neither that of `public-url` nor among `allowed-hosts`: they get 403, unless the Ingress controller writes another Host.',
    remedy: 'Set `public-url` to the URL that clients use, or add the host to `allowed-hosts`.',
    needs: ['workloads', 'services', 'ingresses'],
    run: ({ workloads, services, ingresses }) =>
      workloads.flatMap((workload) => {
        const { metadata, spec } = workload;
        const parsed = parseAnnotations(spec.template.metadata?.annotations);
        if ('refusals' in parsed) return [];
        const own = ingresses.filter((each) => each.metadata?.namespace === metadata.namespace);
        return refusedHosts(own, servicesOf(workload, services), workload, parsed.servers).map(
          ({ ingress, service, host }) => ({
            title: `${placed(workload)} refuses requests for host ${host}`,
            cause: [`ingress/${ingress} leads it to service/${service}`],
            fix: changeCommand(workload, parsed.servers[0], `--public-url https://${host}/mcp`),
          }),
        );
      }),
  }),
  defineCheck({
    code: 'MCP710',
    category: 'filter',
    title: 'the policies, pins, keys and authorities of ConfigMaps can be read',
    severity: 'error',
    about: `The ConfigMap of \`${PREFIX}policy\` or \`${PREFIX}pins\` is missing, and new pods wait for it; or its \`policy.yaml\` or \`pins.json\` cannot be read: a proxy that runs keeps what was there before, one that starts answers 503. Keys of \`${PREFIX}trusted-actors\` and authorities that cannot be read are not trusted.`,
    remedy: 'Mend the named faults; the proxies take the change within two minutes, without a restart.',
    needs: ['workloads', 'configMaps'],
    run: (seen, context) => findingsOf(seen, context, ['missing', 'content', 'policy'], 'ConfigMap'),
  }),
];
