import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiHost, credentialKeys, parseReference } from '../../../plugin/registry/reference.ts';

const HEX = 'a'.repeat(64);

test('names of images are read as Kubernetes reads them', () => {
  for (const [image, registry, repository, target] of [
    ['node', 'docker.io', 'library/node', 'latest'],
    ['node:22', 'docker.io', 'library/node', '22'],
    ['mcp/everything', 'docker.io', 'mcp/everything', 'latest'],
    ['docker.io/mcp/everything:1', 'docker.io', 'mcp/everything', '1'],
    ['index.docker.io/node', 'docker.io', 'library/node', 'latest'],
    ['ghcr.io/a/b/c:v1.2', 'ghcr.io', 'a/b/c', 'v1.2'],
    ['localhost/x', 'localhost', 'x', 'latest'],
    ['registry:5000/x', 'registry:5000', 'x', 'latest'],
    ['[::1]:5000/x:1', '[::1]:5000', 'x', '1'],
    [`ghcr.io/x:1@sha256:${HEX}`, 'ghcr.io', 'x', `sha256:${HEX}`],
  ] as const) {
    const found = parseReference(image);
    assert.deepEqual(
      [found?.registry, found?.repository, found?.target],
      [registry, repository, target],
      image,
    );
  }
});

test('what is none is not read', () => {
  for (const image of [
    '',
    'X',
    'a//b',
    'a:',
    'a@sha256:1',
    `a@sha256:${HEX}@x`,
    'ghcr.io/../x',
    'a b',
    'h:99999999/x',
  ])
    assert.equal(parseReference(image), undefined, image);
});

test('Docker Hub has its API and its credentials under other names', () => {
  assert.equal(apiHost('docker.io'), 'registry-1.docker.io');
  assert.deepEqual(credentialKeys(parseReference('mcp/x')!), [
    'docker.io/mcp/x',
    'docker.io/mcp',
    'docker.io',
    'https://index.docker.io/v1/',
    'index.docker.io',
  ]);
});
