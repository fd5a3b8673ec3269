import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubernetesObject, V1RoleBinding } from '@kubernetes/client-node';
import { changesOf, type Plan } from '../../../plugin/enable/change.ts';
import { planEnable } from '../../../plugin/enable/plan.ts';
import { planDisable } from '../../../plugin/enable/undo.ts';
import { objectName, type Workload } from '../../../plugin/enable/workload.ts';
import { around, request, workload } from './fixtures.ts';

const lines = (plan: Plan): string[] =>
  changesOf(plan).map((each) => `${objectName((each.after ?? each.before)!)} ${each.done}`);
const rbac = (plan: Plan): string[] => lines(plan).filter((line) => line.includes('rbac'));
const wanted = (value: string, before: Workload = workload(), roles: KubernetesObject[] = []) =>
  planEnable(
    before,
    around({ accessRoles: roles }),
    request({ annotations: { port: '3001', authorization: value } }),
  );
const made = (plan: Plan): KubernetesObject[] =>
  plan.before.flatMap(({ after }) => (after?.apiVersion?.startsWith('rbac') ? [after] : []));

describe('authorization: kubernetes', () => {
  test('has a Role and a binding of the pods’ service account before the pods', () => {
    const plan = wanted('kubernetes');
    assert.deepEqual(lines(plan).slice(1, 4), [
      'role.rbac.authorization.k8s.io/everything-mcp-access created',
      'rolebinding.rbac.authorization.k8s.io/everything-mcp-access created',
      'deployment.apps/everything enabled',
    ]);
    assert.deepEqual((made(plan)[1] as V1RoleBinding).subjects, [
      { kind: 'ServiceAccount', name: 'default', namespace: 'demo' },
    ]);
    assert.deepEqual(rbac(wanted('none')), []);
  });

  test('has them follow the service account, and changes nothing twice', () => {
    const roles = made(wanted('kubernetes'));
    const enabled = wanted('kubernetes').template!.after as Workload;
    assert.deepEqual(rbac(wanted('kubernetes', enabled, roles)), []);
    const other = structuredClone(enabled);
    other.spec.template.spec!.serviceAccountName = 'tools';
    assert.deepEqual(rbac(wanted('kubernetes', other, roles)), [
      'rolebinding.rbac.authorization.k8s.io/everything-mcp-access configured',
    ]);
  });

  test('has them taken away with it, and by disable, unless they are another’s', () => {
    const roles = made(wanted('kubernetes'));
    const enabled = wanted('kubernetes').template!.after as Workload;
    const gone = [
      'rolebinding.rbac.authorization.k8s.io/everything-mcp-access deleted',
      'role.rbac.authorization.k8s.io/everything-mcp-access deleted',
    ];
    assert.deepEqual(rbac(wanted('none', enabled, roles)), gone);
    assert.deepEqual(rbac(planDisable(enabled, around({ accessRoles: roles }))), gone);
    const foreign = roles.map((each) => ({ ...each, metadata: { ...each.metadata, labels: {} } }));
    assert.deepEqual(rbac(planDisable(enabled, around({ accessRoles: foreign }))), []);
    assert.match(wanted('kubernetes', enabled, foreign).faults.join(), /everything-mcp-access is not ours/);
  });
});
