/** The image of the other architecture, started once, from its own files alone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PLATFORMS } from '../../manifests/platforms.ts';
import { CONFIG_ENV, CONFIG_VERSION } from '../../sidecar/config.ts';
import type { SidecarConfigInput } from '../../sidecar/config.ts';
import { freePorts } from '../conformance/ports.ts';
import { call, post } from '../sidecar/wire/post.ts';
import { startScriptedServer } from '../sidecar/wire/scripted-server.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { injected, readPod, sidecarOf } from '../webhook/golden-pods.ts';
import { checkout, run, whyNot } from './checkout.ts';

const foreign = PLATFORMS.find(({ nodeArch }) => nodeArch !== process.arch)!;
const skip = whyNot({ 'qemu-user-static': `/usr/bin/${foreign.emulator}` });

test(`on ${foreign.name} the sidecar answers /livez and carries a call`, { skip }, async (t) => {
  const { directory, image } = checkout(t);
  image(['--platform', foreign.name, '--root', join(directory, 'root')]);
  const root = join(directory, 'whole');
  for (const layer of ['node', 'app'])
    cpSync(join(directory, 'root', foreign.name, layer), root, { recursive: true });
  // chroot, so that nothing of this machine can stand in for what the image lacks.
  cpSync(`/usr/bin/${foreign.emulator}`, join(root, 'qemu'));
  const emulated = (...command: string[]): string[] => ['--userspec=65532:65532', root, '/qemu', ...command];
  assert.equal(
    run('/usr/sbin/chroot', ...emulated('/usr/bin/node', '-p', 'process.arch')).trim(),
    foreign.nodeArch,
  );
  // The kernel would have to know of qemu for it to start Node; that it sets an environment is seen all the same.
  assert.equal(run('/usr/sbin/chroot', ...emulated('/bin/busybox', 'env', '-i', 'A=1')), 'A=1\n');

  const server = await startScriptedServer();
  t.after(server.stop);
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number];
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort,
    drain: { path: '/drain/abcdefghijklmnop', timeoutMs: 0 },
    servers: [
      {
        name: 'tested',
        listenPort,
        upstream: { transport: 'streamable-http', port: server.port, path: '/mcp' },
        auth: { mode: 'none' },
      },
    ],
  };
  const command = sidecarOf(injected(readPod('deployment.yaml')))?.command ?? [];
  const child = spawn('/usr/sbin/chroot', emulated(...command.slice(command.indexOf('/usr/bin/node'))), {
    env: { [CONFIG_ENV]: JSON.stringify(config) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  let audit = '';
  child.stdout.on('data', (part: Buffer) => (audit += part));
  const admin = `http://127.0.0.1:${adminPort}`;
  await waitFor(
    'the emulated sidecar',
    async () => (await fetch(`${admin}/livez`).catch(() => undefined))?.ok,
  );
  await waitFor('its server', async () =>
    (await fetch(`${admin}/health`).then((r) => r.text())).includes('"healthy"'),
  );
  const { status, body } = await post(`http://127.0.0.1:${listenPort}/mcp`, call('echo'));
  assert.equal(status, 200, body);
  assert.ok(server.fromClients().some(({ message }) => message?.method === 'tools/call'));
  await waitFor('the audit line', () => audit.includes('"mcp_tool_call"'));
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});
