import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Role, V1RoleBinding } from '@kubernetes/client-node';
import {
  EVERYTHING,
  grantName,
  planGrant,
  planRevoke,
  type Grants,
  type There,
} from '../../../plugin/access/role.ts';
import { bindingSubject, subjectFrom } from '../../../plugin/access/subject.ts';
import type { Change } from '../../../plugin/enable/change.ts';

const TO = bindingSubject('sa:agents/planner');
const asked = (grants: Grants, server = 'everything') => ({ namespace: 'tools', server, to: TO, grants });
const rule = (verb: string, names?: string[], resource = 'everything') => ({
  apiGroups: ['tools.kubectl-mcp.dev'],
  ...(names ? { resourceNames: names } : {}),
  resources: [resource],
  verbs: [verb],
});
/** The namespace after the changes. */
function applied(changes: readonly Change[], before: There = {}): There {
  const of = <T>(kind: string, was: T | undefined): T | undefined => {
    const change = changes.find(({ before: old, after }) => (after ?? old)?.kind === kind);
    return change ? (change.after as T | undefined) : was;
  };
  return {
    role: of<V1Role>('Role', before.role),
    binding: of<V1RoleBinding>('RoleBinding', before.binding),
  };
}
const granted = (grants: Grants, before: There = {}, server?: string): There =>
  applied(planGrant(asked(grants, server), before), before);

describe('a grant', () => {
  test('writes one Role and one binding for each caller', () => {
    const { role, binding } = granted({ call: ['get-sum', 'echo'] });
    assert.deepEqual(role?.rules, [rule('call', ['echo', 'get-sum'])]);
    assert.deepEqual(binding?.roleRef, {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Role',
      name: role?.metadata?.name,
    });
    assert.deepEqual(binding?.subjects, [{ kind: 'ServiceAccount', namespace: 'agents', name: 'planner' }]);
    assert.match(role?.metadata?.name ?? '', /^everything-mcp-sa-agents-planner-[0-9a-f]{6}$/);
    assert.notEqual(
      grantName('everything', bindingSubject('user:oidc:a.b')),
      grantName('everything', bindingSubject('user:oidc:a-b')),
    );
  });

  test('adds to what is there, changes nothing twice, and all takes the place of names', () => {
    const once = granted({ call: ['echo'] });
    assert.deepEqual(planGrant(asked({ call: ['echo'] }), once), []);
    const more = granted({ call: ['get-sum'], get: ['greeting'] }, once);
    assert.deepEqual(more.role?.rules, [rule('call', ['echo', 'get-sum']), rule('get', ['greeting'])]);
    const all = granted(EVERYTHING, more);
    assert.deepEqual(all.role?.rules, [rule('call'), rule('get'), rule('read')]);
    assert.deepEqual(granted({ call: ['echo'] }, all).role?.rules, all.role?.rules);
  });

  test('keeps servers of one pod apart in one Role, and leaves rules of others alone', () => {
    const other = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
    const mixed = { apiGroups: ['', 'tools.kubectl-mcp.dev'], resources: ['x'], verbs: ['call'] };
    const one = granted({ call: ['echo'] }, {}, 'tools/weather');
    one.role!.rules = [other, mixed, ...one.role!.rules!];
    assert.deepEqual(granted({ call: ['sum'] }, one, 'tools/files').role?.rules, [
      other,
      mixed,
      rule('call', ['sum'], 'tools/files'),
      rule('call', ['echo'], 'tools/weather'),
    ]);
  });

  test('is not written over what somebody else has made', () => {
    const { role } = granted({ call: ['echo'] });
    delete role!.metadata!.labels;
    assert.throws(() => planGrant(asked({ call: ['echo'] }), { role }), /is not ours/);
  });
});

describe('a grant that is taken away', () => {
  test('loses names, and Role and binding with the last one, the binding first', () => {
    const held = granted({ call: ['echo', 'get-sum'] });
    const left = applied(planRevoke(asked({ call: ['echo', 'absent'] }), held), held);
    assert.deepEqual(left.role?.rules, [rule('call', ['get-sum'])]);
    assert.deepEqual(
      planRevoke(asked({ call: ['get-sum'] }), left).map(({ before, done }) => [before?.kind, done]),
      [
        ['RoleBinding', 'deleted'],
        ['Role', 'deleted'],
      ],
    );
    assert.equal(planRevoke(asked(EVERYTHING), held).length, 2);
    assert.deepEqual(planRevoke(asked(EVERYTHING), {}), []);
  });

  test('cannot lose a name where all are granted', () => {
    const held = granted(EVERYTHING);
    assert.throws(() => planRevoke(asked({ call: ['echo'] }), held), /single names cannot be taken out/);
    const left = applied(planRevoke(asked({ call: 'all' }), held), held);
    assert.deepEqual(left.role?.rules, [rule('get'), rule('read')]);
  });
});

test('callers are named as bindings name them, or refused', () => {
  assert.deepEqual(bindingSubject('group:oidc:devs'), {
    apiGroup: 'rbac.authorization.k8s.io',
    kind: 'Group',
    name: 'oidc:devs',
  });
  assert.throws(() => bindingSubject('planner'), /expected sa:NAMESPACE\/NAME, user:NAME or group:NAME/);
  assert.deepEqual(subjectFrom('agents/planner', ['x']), {
    user: 'system:serviceaccount:agents:planner',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:agents', 'system:authenticated', 'x'],
  });
  assert.deepEqual(subjectFrom('mtls:spiffe://a/b', []), { user: 'mtls:spiffe://a/b', groups: [] });
  assert.deepEqual(subjectFrom('anonymous', []), {
    user: 'system:anonymous',
    groups: ['system:unauthenticated'],
  });
});
