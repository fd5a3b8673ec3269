import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTable } from '../../../plugin/doctor/print.ts';
import { CHECKS } from '../../../plugin/doctor/registry.ts';
import { runChecks } from '../../../plugin/doctor/run.ts';
import { podOf } from '../../../plugin/enable/faults.ts';
import { injected } from '../../webhook/golden-pods.ts';
import { BROKEN } from './broken.ts';
import { createAuthority } from '../../certificates.ts';
import { issueCertificates } from './certificates.ts';
import { NOW_MS, snapshot, wroteBundle } from './fixtures.ts';

const refused = (kind: string, name: string, minutesAgo: number) => ({
  metadata: { namespace: 'demo' },
  involvedObject: { kind, name },
  reason: 'PortMissing',
  message: 'set port [PortMissing]',
  lastTimestamp: new Date(NOW_MS - minutesAgo * 60_000),
});

describe('a check', () => {
  it('passes over a healthy namespace, each of them', () => {
    for (const { check, outcome, findings } of runChecks(CHECKS, snapshot())) {
      assert.equal(outcome, 'passed', `${check.code} ${JSON.stringify(findings)}`);
    }
  });

  for (const { code, when, says, outcome, breakIt } of BROKEN) {
    it(`${code} fails when ${when}`, () => {
      const seen = snapshot(breakIt);
      const results = runChecks(CHECKS, seen).filter((each) => each.check.code === code);
      assert.equal(results[0]!.outcome, outcome ?? results[0]!.check.severity, JSON.stringify(results));
      assert.match(formatTable(results), says);
    });
  }

  it('has a way to fail in the fixtures, each of them', () => {
    const covered = new Set(BROKEN.map((each) => each.code));
    assert.deepEqual(
      CHECKS.map((each) => each.code as string).filter((code) => !covered.has(code)),
      [],
    );
  });

  it('is one of a kind, explained, and stands behind its causes', () => {
    const codes = CHECKS.map((each) => each.code as string);
    assert.equal(new Set(codes).size, codes.length);
    for (const [index, check] of CHECKS.entries()) {
      assert.match(check.code, /^MCP\d{3}$/);
      assert.ok(check.about.length > 40 && check.remedy.length > 20, check.code);
      for (const cause of [...(check.after ?? []), ...(check.causedBy ?? [])]) {
        assert.ok(codes.slice(0, index).includes(cause), `${check.code} needs ${cause} before it`);
      }
    }
  });

  it('finds annotations beside the template where nothing is enabled, for they enable nothing', () => {
    const seen = snapshot((values) => {
      const [workload] = structuredClone(values.workloads);
      workload!.metadata.annotations = workload!.spec.template.metadata!.annotations!;
      delete workload!.spec.template.metadata!.annotations;
      Object.assign(values, { others: [workload] });
    });
    const results = runChecks(CHECKS, { ...seen, workloads: { unknown: 'no enabled workload' } });
    const [result] = results.filter((each) => each.check.code === 'MCP302');
    assert.match(result!.findings[0]!.cause![0]!, /^kubectl-mcp\.dev\/inject, .* count on the pod template/);
  });

  it('counts a certificate that has ended as an error', () => {
    const { certificate } = snapshot() as { certificate: { value: string } };
    const seen = { ...snapshot(), certificate, nowMs: Date.parse('2027-11-21T00:00:00Z') };
    const [result] = runChecks(CHECKS, seen).filter((each) => each.check.code === 'MCP203');
    assert.equal(result!.outcome, 'error');
    assert.match(result!.findings[0]!.title, /^the serving certificate has expired \(2027-11-20\)$/);
  });

  it('warns of a namespace that asks for a revision that was never there', () => {
    const seen = snapshot((values) => {
      values.revisions.namespaces[0]!.labels = { 'kubectl-mcp.dev/revision': 'canari' };
    });
    const result = runChecks(CHECKS, seen).find((each) => each.check.code === 'MCP104')!;
    assert.equal(result.outcome, 'warning');
    assert.equal(
      result.findings[0]!.title,
      'namespace demo asks for revision canari, which is not installed',
    );
    assert.match(result.findings[0]!.fix!, /^kubectl label namespace demo kubectl-mcp\.dev\/revision-, or/);
  });

  it('tells a problem once that has a check of its own', () => {
    for (const { breakIt } of BROKEN.filter((each) => ['MCP706', 'MCP715'].includes(each.code))) {
      const results = runChecks(CHECKS, snapshot(breakIt));
      assert.equal(results.find((each) => each.check.code === 'MCP506')!.outcome, 'passed');
    }
  });

  it('passes over TLS, a policy and volumes that are as they should be', async () => {
    const authority = await createAuthority(NOW_MS);
    const { 'tls.crt': pem } = await authority.issue(['*.demo.svc']);
    const { 'tls.crt': outside } = await authority.issue(['tools.example.com']);
    for (const certificate of [pem, outside]) {
      const seen = snapshot((values) => {
        Object.assign(values.workloads[0]!.spec.template.metadata!.annotations!, {
          'kubectl-mcp.dev/tls-secret': 'tls',
          'kubectl-mcp.dev/policy': 'rules',
          'kubectl-mcp.dev/public-url': 'https://tools.example.com/mcp',
          'kubectl-mcp.dev/upstream-headers-volume': 'vault-secrets',
          'kubectl-mcp.dev/trusted-proxies': '10.0.0.0/8',
          'kubectl-mcp.dev/allowed-hosts': '*.example.com',
        });
        values.secrets['tls-secret demo/tls'] = {
          keys: ['tls.crt', 'tls.key'],
          type: 'kubernetes.io/tls',
          certificate: { pem: certificate },
        };
        values.configMaps['policy demo/rules'] = { keys: ['policy.yaml'], contentFaults: [] };
        values.ingresses = ['tools.example.com', 'a.example.com', 'everything.demo.svc'].map((host) => ({
          metadata: { name: host, namespace: 'demo' },
          spec: {
            rules: [
              {
                host,
                http: {
                  paths: [{ pathType: 'Prefix', backend: { service: { name: 'everything' } } }],
                },
              },
            ],
          },
        }));
        // As an injector whose webhook runs after ours adds it: the template has none.
        const asked = podOf(values.workloads[0]!);
        const volumes = [{ name: 'vault-secrets' }];
        values.pods[0]!.spec = injected({ ...asked, spec: { ...asked.spec!, volumes } }).spec!;
      });
      for (const { check, outcome, findings } of runChecks(CHECKS, seen)) {
        assert.equal(outcome, 'passed', `${check.code} ${JSON.stringify(findings)}`);
      }
    }
  });

  it('counts a certificate of a listen port that has ended as an error', async () => {
    const { 'tls.crt': pem } = await (
      await createAuthority(NOW_MS)
    ).issue(['everything.demo.svc'], { notAfterMs: NOW_MS - 1 });
    const seen = snapshot((values) => {
      values.workloads[0]!.spec.template.metadata!.annotations!['kubectl-mcp.dev/tls-secret'] = 'tls';
      values.secrets['tls-secret demo/tls'] = { keys: [], type: 'kubernetes.io/tls', certificate: { pem } };
    });
    const [result] = runChecks(CHECKS, seen).filter((each) => each.check.code === 'MCP208');
    assert.equal(result!.outcome, 'error');
    assert.match(result!.findings[0]!.title, /has expired \(2026-11-20\)$/);
  });

  it('takes a replica that does not answer, or has not followed yet, for a warning', async () => {
    const late = await issueCertificates(NOW_MS);
    for (const [replica, title] of [
      [{ fault: 'connection refused' }, /^pod webhook-2 does not answer$/],
      [{ certificate: late.leaf, caBundleWrites: 0 }, /^pod webhook-2 serves another certificate/],
    ] as const) {
      const seen = snapshot((values) => {
        const [entry] = values.configuration!.webhooks!;
        const bundle = Buffer.from(entry!.clientConfig.caBundle!, 'base64').toString() + late.ca;
        entry!.clientConfig.caBundle = Buffer.from(bundle).toString('base64');
        values.webhookReplicas['webhook-2'] = replica;
      });
      const [result] = runChecks(CHECKS, seen).filter((each) => each.check.code === 'MCP204');
      assert.equal(result!.outcome, 'warning');
      assert.match(result!.findings[0]!.title, title);
    }
  });

  it('names cert-manager where that issues, and its Secret', () => {
    const seen = snapshot((values) => {
      values.issuing = { certificate: 'kubectl-mcp-system/webhook', exists: true, ready: true };
      values.configuration!.metadata!.managedFields = [wroteBundle('cainjector')];
      values.certificate = null;
      const [container] = values.webhookDeployment!.spec!.template.spec!.containers;
      Object.assign(container!, {
        env: [{ name: 'KUBECTL_MCP_CERT_DIR', value: '/tls' }],
        volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
      });
      values.webhookDeployment!.spec!.template.spec!.volumes = [
        { name: 'tls', secret: { secretName: 'from-cert-manager' } },
      ];
    });
    const failed = runChecks(CHECKS, seen).filter((each) => each.outcome !== 'passed');
    assert.deepEqual(
      failed.map(({ check, findings }) => [check.code, findings[0]!.title, findings[0]!.fix]),
      [
        [
          'MCP202',
          'Secret from-cert-manager in namespace kubectl-mcp-system has no certificate',
          'kubectl describe certificate -n kubectl-mcp-system webhook',
        ],
      ],
    );
  });

  it('tells of refused owners what is of late, and no other check tells', () => {
    const seen = snapshot((values) => {
      values.refusals = [refused('Job', 'old', 21), refused('ReplicaSet', 'everything-6f', 1)];
    });
    const [result] = runChecks(CHECKS, seen).filter((each) => each.check.code === 'MCP407');
    assert.equal(result!.outcome, 'passed');
  });

  it('leaves opted-out, finished and terminating pods alone', () => {
    for (const change of [
      { status: { phase: 'Succeeded' } },
      {
        metadata: {
          name: 'x',
          namespace: 'demo',
          labels: { app: 'everything' },
          deletionTimestamp: new Date(),
        },
      },
      { metadata: { name: 'x', namespace: 'demo', annotations: { 'kubectl-mcp.dev/inject': 'false' } } },
    ]) {
      const seen = snapshot((values) =>
        values.pods.push({ ...values.pods[0]!, spec: { containers: [] }, ...change }),
      );
      const [result] = runChecks(CHECKS, seen).filter((each) => each.check.code === 'MCP401');
      assert.equal(result!.outcome, 'passed', JSON.stringify(change));
    }
  });
});
