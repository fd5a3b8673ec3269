import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRefusal } from '../../../plugin/doctor/refusal.ts';

const denied = (text: string) =>
  decodeRefusal(`admission webhook "inject.kubectl-mcp.dev" denied the request: ${text}`);

test('the mend of a refusal is looked up by its codes', () => {
  assert.deepEqual(
    denied('kubectl-mcp.dev/port is missing; choose one of: 1, 2 [PortMissing, HostNetwork]'),
    {
      cause:
        'the webhook refuses them: kubectl-mcp.dev/port is missing; choose one of: 1, 2 [PortMissing, HostNetwork]',
      fix: "set `port` to the server's port; remove `hostNetwork`",
    },
  );
});

test('refusals of another version, with codes unknown here or none, are told as they are', () => {
  for (const text of ['x; y', 'x; y [SomethingNew]']) {
    assert.equal(denied(text).fix, 'mend the annotations of the pod template as the message says');
  }
});
