import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { enabledTemplate, type WantedAnnotations } from '../../../plugin/enable/template.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';

/** What `enable` makes of the annotations of a workload `web`, without the prefix. */
function enabled(before: Record<string, string>, wanted: WantedAnnotations): Record<string, string> {
  const prefixed = Object.fromEntries(
    Object.entries(before).map(([key, value]) => [`kubectl-mcp.dev/${key}`, value]),
  );
  const workload: Workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'demo' },
    spec: { selector: {}, template: { metadata: { annotations: prefixed } } },
  };
  const after = (enabledTemplate(workload, wanted)?.after ?? workload) as Workload;
  return Object.fromEntries(
    Object.entries(after.spec.template.metadata!.annotations!).map(([key, value]) => [
      key.replace('kubectl-mcp.dev/', ''),
      value,
    ]),
  );
}

const BASE = { inject: 'true', name: 'web' };

describe('a second enable', () => {
  test('keeps what it does not name', () => {
    assert.deepEqual(enabled({ ...BASE, 'deny-tools': 'a' }, { mode: 'read-only' }), {
      ...BASE,
      'deny-tools': 'a',
      mode: 'read-only',
    });
  });

  test('takes an annotation back that is given an empty value', () => {
    assert.deepEqual(enabled({ ...BASE, 'deny-tools': 'a', mode: 'all' }, { 'deny-tools': '' }), {
      ...BASE,
      mode: 'all',
    });
    assert.deepEqual(enabled({ ...BASE, name: 'other' }, { name: '' }), BASE, 'the name is always written');
    const tokens = { ...BASE, auth: 'token', 'token-secret': 'web-mcp-tokens' };
    assert.deepEqual(enabled(tokens, { auth: '' }), BASE, 'with what has no effect without it');
  });

  test('of several kinds of credentials keeps what each needs, and makes what is missing', () => {
    const before = { ...BASE, audience: 'a' };
    const both = { ...before, auth: 'kubernetes,token', 'token-secret': 'web-mcp-tokens' };
    assert.deepEqual(enabled(before, { auth: 'kubernetes,token' }), both);
    assert.deepEqual(enabled(both, { auth: 'kubernetes' }), { ...before, auth: 'kubernetes' });
  });

  test('replaces one way to say a thing by the other', () => {
    const secret = { ...BASE, auth: 'token', 'token-secret': 's' };
    const volume = { ...BASE, auth: 'token', 'token-volume': 'v' };
    assert.deepEqual(enabled(secret, { 'token-volume': 'v' }), volume);
    assert.deepEqual(enabled(volume, { 'token-secret': 's' }), secret);
    assert.deepEqual(enabled(volume, { mode: 'all' }), { ...volume, mode: 'all' });
  });

  test('leaves both where both are asked for: the refusal is to be seen', () => {
    const both = { auth: 'token', 'token-secret': 's', 'token-volume': 'v' };
    assert.deepEqual(enabled(BASE, both), { ...BASE, ...both });
  });

  test('leaves what is said for all servers to the webhook, where annotations name them', () => {
    const named = {
      ...BASE,
      auth: 'token',
      'token-secret': 's',
      'a.auth': 'kubernetes',
      'allow-principals': 'x/*',
    };
    assert.deepEqual(enabled(named, { mode: 'read-only' }), { ...named, mode: 'read-only' });
    const own = { ...BASE, auth: 'token', 'a.token-secret': 's' };
    assert.deepEqual(enabled(own, {}), own, 'and adds no Secret that none of them needs');
  });
});
