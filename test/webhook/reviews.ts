/** AdmissionReviews as the API server sends them. */
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { PREFIX } from '../../webhook/names.ts';

export type Answer = {
  response: {
    uid: string;
    allowed: boolean;
    patchType?: string;
    patch?: string;
    status?: { message: string; code: number };
    warnings?: string[];
  };
};

/** A Deployment's pod with one server; the annotations without our prefix. */
export const plainPod = (annotations: Record<string, string>): V1Pod => ({
  metadata: {
    generateName: 'every-abc-',
    labels: { 'pod-template-hash': 'abc' },
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value])),
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'every-abc', uid: 'u', controller: true },
    ],
  },
  spec: { containers: [{ name: 'server', image: 'server:1', ports: [{ containerPort: 3001 }] }] },
});

export const reviewOf = (
  pod: V1Pod,
  request: { uid?: string; namespace?: string; dryRun?: boolean } = {},
) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    operation: 'CREATE',
    namespace: 'demo',
    userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
    dryRun: false,
    object: pod,
    oldObject: null,
    ...request,
  },
});

/** CREATE, or UPDATE of what was there. */
export function workloadReview(object: KubernetesObject, old?: KubernetesObject) {
  const [group, version] = ['', ...(object.apiVersion ?? '').split('/')].slice(-2);
  const kind = { group, version, kind: object.kind };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800003',
      kind,
      resource: { group, version, resource: `${object.kind?.toLowerCase()}s` },
      operation: old ? 'UPDATE' : 'CREATE',
      namespace: 'demo',
      userInfo: { username: 'alice' },
      dryRun: false,
      object: namespaced(object),
      oldObject: old ? namespaced(old) : null,
    },
  };
}

const namespaced = (object: KubernetesObject) => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'demo' },
});
