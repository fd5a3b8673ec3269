/** The command that the webhook writes, run as the kubelet would, with this machine's Node and the sources. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { CONFIG_ENV } from '../../sidecar/config.ts';
import { programOf } from '../bundles/programs.ts';
import { injected, readPod, sidecarOf } from './golden-pods.ts';

const SIDECAR = programOf('sidecar');
const sidecar = sidecarOf(injected(readPod('deployment.yaml')));
const command = sidecar?.command ?? [];

/** `$(NAME)` is the value of the container's environment; what is not there stays. */
const expanded = (word: string, env: Record<string, string>): string =>
  word.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);

async function run(script: string[], env: Record<string, string>) {
  const [, ...words] = command.map((each) => expanded(each, env));
  const args = words.slice(1, -1).map((each) => (each === '/usr/bin/node' ? process.execPath : each));
  const child = spawn('/usr/bin/env', [...args, ...script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code: child.exitCode };
}

const hostile = {
  NODE_OPTIONS: '--require=/nonexistent.js',
  NODE_EXTRA_CA_CERTS: '/nonexistent.crt',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  SSL_CERT_FILE: '/nonexistent.crt',
};
const facts = { POD_NAME: 'tools-0', POD_NAMESPACE: 'demo', POD_IP: '10.0.0.1' };

test('the command is an environment of its own, Node, flags and the sidecar', () => {
  assert.deepEqual(command.slice(0, 3), ['/bin/busybox', 'env', '-i']);
  assert.ok(command.includes('--disable-proto=delete'));
  assert.equal(command.at(-1), '/app/sidecar.cjs');
});

test('what other injectors set for Node does not reach it', async () => {
  const script = ['-p', "JSON.stringify([process.env, '__proto__' in Object.prototype])"];
  const { stdout, stderr, code } = await run(script, {
    ...hostile,
    ...facts,
    [CONFIG_ENV]: '{"a":"$(POD_NAME)"}',
  });
  assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
  const [env, hasProto] = JSON.parse(stdout) as [Record<string, string>, boolean];
  assert.equal(hasProto, false);
  const { [CONFIG_ENV]: config, ...rest } = env;
  assert.equal(config, '{"a":"$(POD_NAME)"}');
  assert.deepEqual(rest, {
    NODE_ENV: 'production',
    ...facts,
    POD_UID: '$(POD_UID)',
    NODE_NAME: '$(NODE_NAME)',
    KUBERNETES_SERVICE_HOST: '$(KUBERNETES_SERVICE_HOST)',
    KUBERNETES_SERVICE_PORT: '$(KUBERNETES_SERVICE_PORT)',
  });
});

test('the sidecar is started and reads its configuration', async () => {
  const { stderr, code } = await run([SIDECAR], { ...hostile, ...facts, [CONFIG_ENV]: '{}' });
  assert.equal(code, 1);
  assert.match(stderr, /^error: invalid configuration in KUBECTL_MCP_CONFIG:\n {2}version: /);
});
