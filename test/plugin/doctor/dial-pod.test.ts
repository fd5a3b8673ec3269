import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialPod, dialResults, dialTargets } from '../../../plugin/doctor/dial-pod.ts';
import { healthy } from './fixtures.ts';

const KEY = 'demo/Deployment/everything';
const targets = dialTargets(healthy().workloads, healthy().pods);
const ended = (server: V1ContainerState, sidecar: V1ContainerState): V1Pod => ({
  status: {
    phase: 'Failed',
    containerStatuses: Object.entries({ 'server-0': server, 'sidecar-0': sidecar }).map(([name, state]) => ({
      name,
      state,
      image: '',
      imageID: '',
      ready: false,
      restartCount: 0,
    })),
  },
});
const open = { terminated: { exitCode: 0 } };
const closed = {
  terminated: { exitCode: 1, message: '{"host":"h","port":1,"open":false,"error":"ECONNREFUSED"}\n' },
};

describe('the pod that dials', () => {
  it('dials the server’s port and, as a proof that it can dial, the proxy’s', () => {
    const pod = dialPod(targets);
    assert.deepEqual(
      pod.spec!.containers.map((each) => each.command!.slice(1, 4)),
      [
        ['/app/dial.mjs', '10.0.0.9', '3001'],
        ['/app/dial.mjs', '10.0.0.9', '7410'],
      ],
    );
    assert.equal(pod.spec!.containers[0]!.image, 'kubectl-mcp.dev/kubectl-mcp:0.1.0');
  });

  it('is a pod of Pod Security level restricted, without a token', () => {
    const { spec } = dialPod(targets);
    assert.equal(spec!.automountServiceAccountToken, false);
    assert.deepEqual(spec!.securityContext, {
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const { securityContext } of spec!.containers) {
      assert.equal(securityContext!.allowPrivilegeEscalation, false);
      assert.deepEqual(securityContext!.capabilities, { drop: ['ALL'] });
    }
  });

  it('leaves out workloads without a ready pod', () => {
    const { workloads, pods } = structuredClone(healthy());
    pods[0]!.status!.conditions = [];
    assert.deepEqual(dialTargets(workloads, pods), []);
  });

  it('tells open and closed', () => {
    const pod = 'everything-6f-1';
    assert.deepEqual(dialResults(targets, ended(open, open))[KEY], {
      pod,
      serverOpen: true,
      sidecarOpen: true,
    });
    assert.deepEqual(dialResults(targets, ended(closed, open))[KEY], {
      pod,
      serverOpen: false,
      sidecarOpen: true,
    });
    assert.deepEqual(dialResults(targets, ended(closed, closed))[KEY], {
      pod,
      serverOpen: false,
      sidecarOpen: false,
    });
  });

  it('never calls a port closed because the dial itself went wrong', () => {
    const crash = { terminated: { exitCode: 1, message: "Error: Cannot find module '/app/dial.mjs'" } };
    const result = dialResults(targets, ended(crash, open))[KEY]!;
    assert.equal(result.serverOpen, undefined);
    assert.match(result.fault!, /exit code 1: Error: Cannot find module/);
    const pulling = { waiting: { reason: 'ErrImagePull', message: 'not found' } };
    assert.match(
      dialResults(targets, ended(pulling, open))[KEY]!.fault!,
      /did not start: ErrImagePull: not found/,
    );
    assert.match(dialResults(targets, {})[KEY]!.fault!, /did not end in time/);
  });
});
