import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { doctorPage } from '../../../plugin/doctor/docs.ts';
import { formatTable, toJson } from '../../../plugin/doctor/print.ts';
import { CHECKS } from '../../../plugin/doctor/registry.ts';
import { runChecks } from '../../../plugin/doctor/run.ts';
import { snapshot } from './fixtures.ts';

const NO_DIAL = { dials: 'not dialled; give --probe' };

function assertGolden(name: string, actual: string): void {
  const file = new URL(name, import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual);
  assert.equal(
    actual,
    existsSync(file) ? readFileSync(file, 'utf8') : '',
    `${name}; UPDATE_GOLDEN=1 writes it anew`,
  );
}

const screens: Record<string, ReturnType<typeof snapshot>> = {
  healthy: snapshot(() => {}, NO_DIAL),
  'only-the-bypass-left': snapshot((values) => {
    values.dials['demo/Deployment/everything']!.serverOpen = true;
  }),
  'server-killed': snapshot((values) => {
    const read = values.health['demo/everything-6f-1'] as { health: { status: string; servers: object[] } };
    read.health = {
      status: 'degraded',
      servers: [{ name: 'everything', connected: false, error: 'connect ECONNREFUSED 127.0.0.1:3001' }],
    };
    Object.assign(values.pods[0]!.status!.containerStatuses![0]!, {
      restartCount: 3,
      state: { terminated: { exitCode: 137, reason: 'Error' } },
    });
  }, NO_DIAL),
  'not-installed': snapshot((values) => {
    values.configuration = null;
    values.webhookService = null;
    values.canary = { injected: false };
    for (const number of [1, 2, 3, 4, 5]) {
      values.pods[number - 1] = structuredClone(values.pods[0]!);
      values.pods[number - 1]!.metadata!.name = `everything-${number}`;
      values.pods[number - 1]!.spec!.initContainers = [];
    }
    values.health = {};
  }, NO_DIAL),
  'no-permission': snapshot(() => {}, {
    ...NO_DIAL,
    certificate: 'no permission to get secret kubectl-mcp-webhook in namespace kubectl-mcp-system',
    secrets: 'no permission to get secrets in namespace demo',
    configuration: 'no permission to get mutatingwebhookconfigurations',
    health: 'no permission to create pods/portforward in namespace demo',
  }),
  'nothing-enabled': snapshot(() => {}, {
    pods: 'no enabled workload in namespace demo',
    workloads: 'no enabled workload in namespace demo',
    secrets: 'no enabled workload in namespace demo',
    configMaps: 'no enabled workload in namespace demo',
    health: 'no enabled workload in namespace demo',
    dials: 'no enabled workload in namespace demo',
  }),
};

describe('what doctor shows', () => {
  for (const [name, seen] of Object.entries(screens)) {
    it(`of ${name.replaceAll('-', ' ')} is as kept`, () => {
      assertGolden(`golden/${name}.txt`, formatTable(runChecks(CHECKS, seen)));
    });
  }

  it('is short with -o short, and the same for programs with -o json', () => {
    const results = runChecks(CHECKS, screens['server-killed']!);
    assertGolden('golden/server-killed.short.txt', formatTable(results, true));
    assertGolden('golden/server-killed.json', `${JSON.stringify(toJson(results), null, 2)}\n`);
  });
});

describe('docs/doctor.md', () => {
  it('says what the checks say', () => {
    assertGolden('../../../docs/doctor.md', doctorPage(CHECKS));
  });
});
