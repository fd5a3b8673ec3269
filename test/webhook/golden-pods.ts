/** The golden pods as tests take them: `X.yaml` → `X.injected.yaml`, `refused-X.yaml` → `refused-X.txt`. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import type { V1Pod } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { inject } from '../../webhook/inject.ts';
import type { InjectSettings } from '../../webhook/settings.ts';

export const GOLDEN = new URL('./golden/', import.meta.url);
export const settings: InjectSettings = {
  image: 'kubectl-mcp.dev/kubectl-mcp:0.1.0',
  imagePullPolicy: 'IfNotPresent',
  namespace: 'demo',
  drainRandom: 'Zm9yLWdvbGRlbi1maWxlcy1vbmx5',
};

const inputs = readdirSync(GOLDEN).filter(
  (each) => each.endsWith('.yaml') && !each.endsWith('.injected.yaml'),
);
export const injectable = inputs.filter((each) => !each.startsWith('refused-'));
export const refused = inputs.filter((each) => each.startsWith('refused-'));

/** As it comes over the wire: plain JSON. */
export const readPod = (file: string): V1Pod => parse(readFileSync(new URL(file, GOLDEN), 'utf8')) as V1Pod;

export function injected(pod: V1Pod, other: Partial<InjectSettings> = {}): V1Pod {
  const result = inject(pod, { ...settings, ...other });
  assert.ok('pod' in result, JSON.stringify(result));
  return result.pod;
}

export const sidecarOf = (pod: V1Pod) => pod.spec?.initContainers?.find(({ name }) => name === 'mcp-proxy');
