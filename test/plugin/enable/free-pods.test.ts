import type { V1Pod } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stuckPods } from '../../../plugin/enable/free-pods.ts';
import { pod, workload } from './fixtures.ts';

const enabled = { 'kubectl-mcp.dev/inject': 'true' };
const labels = { app: 'everything' };
const failed = (kind: 'StatefulSet' | 'Deployment') =>
  workload((draft) => {
    draft.kind = kind;
    draft.spec.template.metadata!.annotations = enabled;
  });
const unready = (each: V1Pod): V1Pod => ({ ...each, status: { phase: 'Running', conditions: [] } });

it('pods of a StatefulSet that got the failed template and are not ready would stay', () => {
  const stuck = unready(pod('stuck', labels, enabled));
  const others = [
    pod('ready', labels, enabled),
    unready(pod('of-before', labels)),
    unready(pod('another', { app: 'another' }, enabled)),
  ];
  assert.deepEqual(stuckPods(failed('StatefulSet'), [stuck, ...others]), [stuck]);
  assert.deepEqual(stuckPods(failed('Deployment'), [stuck, ...others]), []);
});
