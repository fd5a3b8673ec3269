/** What the sidecar is told of servers that listen on the loopback. */
import * as z from 'zod';

/** What the kubelet asks a container: its probes, and its hooks. */
const PROBE_KEY = /^[a-z0-9-]{1,63}\/(startup|liveness|readiness|postStart|preStop)$/;

const portNumber = z.int().min(1).max(65535);
/** A probe's port by number or by the name that the container gives it. */
const probedPort = z.union([portNumber, z.string()]);
const relayedProbe = z.strictObject({
  /** The number of that port. */
  port: portNumber,
  // As Kubernetes has them, so that they can be put back.
  httpGet: z
    .strictObject({
      path: z.string().optional(),
      port: probedPort,
      scheme: z.enum(['HTTP', 'HTTPS']).optional(),
      httpHeaders: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
    })
    .optional(),
  tcpSocket: z.strictObject({ port: probedPort }).optional(),
});

/** Servers of the pod that listen on 127.0.0.1 alone, where the kubelet cannot ask them. */
export const loopback = z.strictObject({
  /** By `CONTAINER/KIND`: what the kubelet would ask, and asks the admin port for at `/probe/CONTAINER/KIND`. */
  probes: z.record(z.string().regex(PROBE_KEY, 'is CONTAINER/KIND'), relayedProbe).default({}),
  /** By container: names of variables, and arguments, that make its server listen there. For taking them out again. */
  added: z
    .record(z.string(), z.strictObject({ env: z.array(z.string()), args: z.array(z.string()) }))
    .default({}),
});

export type RelayedProbe = z.infer<typeof relayedProbe>;
