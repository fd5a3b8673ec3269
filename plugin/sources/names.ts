/** Names by which callers in the cluster reach a Service. Pure. */
export const namesOfService = (name: string, namespace: string): string[] => [
  `${name}.${namespace}.svc`,
  `${name}.${namespace}.svc.cluster.local`,
  `${name}.${namespace}`,
  name,
];
