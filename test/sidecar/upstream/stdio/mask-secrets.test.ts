import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitWords } from '../../../../sidecar/upstream/stdio/exit-words.ts';
import { maskSecrets } from '../../../../sidecar/upstream/stdio/mask-secrets.ts';
import { processLimit } from '../../../../sidecar/upstream/stdio/process-limit.ts';

const SECRETS = [
  'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
  'hunter2',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc',
  'AKIAIOSFODNN7EXAMPLE',
  'd41d8cd98f00b204e9800998ecf8427e',
];

test('what looks like a secret goes, and what explains a failure stays', () => {
  for (const secret of SECRETS)
    for (const line of [
      `GITHUB_TOKEN=${secret}`,
      `{"password": "${secret}"}`,
      `Authorization: Bearer ${secret}`,
      `connecting to postgres://me:${secret}@db:5432/x`,
    ]) {
      const masked = maskSecrets(line);
      assert.ok(!masked.includes(secret), masked);
    }
  const plain =
    "Error: Cannot find module '/app/node_modules/@modelcontextprotocol/server-everything/dist/index.js'";
  assert.equal(maskSecrets(plain), plain);
  assert.equal(maskSecrets('\u001b[31mred\u001b[0m\u0007'), 'red');
});

test('the end of a process is told with its last lines', () => {
  assert.equal(
    exitWords({ code: 1, stderr: ['starting', 'API_KEY=abc is not valid'] }),
    "the server's process ended with exit code 1: starting | API_KEY=*** is not valid",
  );
  assert.equal(exitWords({ signal: 'SIGKILL', stderr: [] }), "the server's process ended by signal SIGKILL");
});

test('as many processes as the memory holds, one of them the sidecar’s own', () => {
  const MIB = 1024 * 1024;
  assert.equal(processLimit({}), 16);
  assert.equal(processLimit({ memoryBytes: 512 * MIB }), 16);
  assert.equal(processLimit({ memoryBytes: 512 * MIB, processBytes: 50 * MIB }), 7);
  assert.equal(processLimit({ memoryBytes: 64 * MIB, processBytes: 50 * MIB }), 1);
  assert.equal(processLimit({ maxProcesses: 3, memoryBytes: 512 * MIB, processBytes: 50 * MIB }), 3);
});
