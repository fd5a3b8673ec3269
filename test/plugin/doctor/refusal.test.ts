import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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

describe('limits of a namespace, in the API server’s words', () => {
  const cases: [message: string, cause: string, fix: RegExp, reason: string][] = [
    [
      'exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2',
      'a ResourceQuota leaves no room: small, requested: pods=1, used: pods=2, limited: pods=2',
      /^raise resourcequota\/small, /,
      'QuotaExceeded',
    ],
    [
      'failed quota: small: must specify limits.cpu for: server; requests.cpu for: server',
      'resourcequota/small counts what every container has to state: must specify limits.cpu for: server; requests.cpu for: server',
      /^state it in the pod template, or change resourcequota\/small$/,
      'QuotaExceeded',
    ],
    [
      'status unknown for quota: small, resources: pods',
      'resourcequota/small has not been counted yet, resources: pods',
      /^wait; /,
      'QuotaExceeded',
    ],
    [
      'minimum memory usage per Container is 200Mi, but request is 128Mi',
      'a LimitRange forbids them: minimum memory usage per Container is 200Mi, but request is 128Mi',
      /^give the pod template an init container mcp-proxy with resources that fit, or change the LimitRange/,
      'LimitRangeExceeded',
    ],
    [
      '[maximum cpu usage per Pod is 1, but limit is 1100m, maximum memory usage per Pod is 64Mi, but limit is 128Mi]',
      'a LimitRange forbids them: [maximum cpu usage per Pod is 1, but limit is 1100m, maximum memory usage per Pod is 64Mi, but limit is 128Mi]',
      /resources that fit/,
      'LimitRangeExceeded',
    ],
    [
      'cpu max limit to request ratio per Container is 10, but provided ratio is 100.000000',
      'a LimitRange forbids them: cpu max limit to request ratio per Container is 10, but provided ratio is 100.000000',
      /resources that fit/,
      'LimitRangeExceeded',
    ],
  ];
  for (const [message, cause, fix, reason] of cases) {
    test(message, () => {
      const decoded = decodeRefusal(`pods "web-1" is forbidden: ${message}`);
      assert.equal(decoded.cause, cause);
      assert.match(decoded.fix, fix);
      assert.equal(decoded.reason, reason);
    });
  }
});
