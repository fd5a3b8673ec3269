import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { readCertificateDirectory } from '../../webhook/certificate-directory.ts';
import { createAuthority } from '../certificates.ts';

const HOST = 'kubectl-mcp-webhook.kubectl-mcp-system.svc';
const authority = await createAuthority();
const good = await authority.issue([HOST]);
const elsewhere = await authority.issue(['example.com']);
const directories: string[] = [];
afterEach(() => directories.splice(0).forEach((each) => rmSync(each, { recursive: true })));

/** As the kubelet mounts a Secret. */
function mount(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'certificates-'));
  directories.push(root);
  mkdirSync(join(root, '..2026'));
  symlinkSync('..2026', join(root, '..data'));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(root, '..data', name), text);
    symlinkSync(join('..data', name), join(root, name));
  }
  return root;
}

describe('a mounted Secret of type kubernetes.io/tls', () => {
  test('gives certificate and key', () => {
    const pair = readCertificateDirectory(mount({ ...good }), HOST);
    assert.deepEqual(pair, { cert: good['tls.crt'], key: good['tls.key'] });
  });

  for (const [what, files, says] of [
    ['lacks the key', { 'tls.crt': good['tls.crt'] }, /holds no tls\.key$/],
    ['is empty', {}, /holds no tls\.crt$/],
    ['holds an empty certificate', { ...good, 'tls.crt': '' }, /holds no tls\.crt$/],
    ['holds something else', { ...good, 'tls.crt': 'junk' }, /tls\.crt is no certificate$/],
    ['holds a damaged key', { ...good, 'tls.key': 'junk' }, /tls\.key is no private key$/],
    [
      'holds the key of another',
      { ...good, 'tls.key': elsewhere['tls.key'] },
      /does not belong to tls\.crt$/,
    ],
    ['is for another host', elsewhere, /tls\.crt is not for kubectl-mcp-webhook\.kubectl-mcp-system\.svc$/],
  ] as const) {
    test(`that ${what} is a fault that says so`, () => {
      assert.throws(() => readCertificateDirectory(mount(files as Record<string, string>), HOST), says);
    });
  }

  test('that is not there is a fault, too', () => {
    assert.throws(() => readCertificateDirectory('/nowhere', HOST), /^Error: \/nowhere is not there$/);
  });
});
