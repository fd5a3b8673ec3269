/** A local TCP port whose connections end at a port of a pod, as `kubectl port-forward` does. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Cluster } from './client.ts';
import { encrypted, type FarTls } from './far-tls.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface Forward {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly port: number;
  /** Why the last connection failed: the kubelet reports it beside the data, which is then just cut. */
  lastError(): Error | undefined;
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 and a free port. Faults of the far end show when a connection is made.
 * @param tls the local side stays plain, what leaves this process is encrypted.
 */
export async function forwardPort(cluster: Cluster, target: PodPort, tls?: FarTls): Promise<Forward> {
  const { PortForward } = await import('@kubernetes/client-node');
  // The package has no `exports`, and its index leaves the handler out. Its default streams are the process's own:
  // a CloseStream message would end our stdout.
  const { WebSocketHandler } = await import('@kubernetes/client-node/dist/web-socket-handler.js');
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const forward = new PortForward(
    cluster.config,
    true,
    new WebSocketHandler(cluster.config, undefined, streams),
  );
  const sockets = new Set<Socket>();
  let lastError: Error | undefined;

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    const faults = new PassThrough().on('data', (chunk: Buffer) => {
      // The channel opens with an empty message.
      if (chunk.length === 0) return;
      lastError = kubeletError(chunk.toString('utf8').trim(), target);
      socket.destroy();
    });
    const far = tls ? encrypted(socket, tls, (error) => (lastError = error)) : socket;
    forward
      .portForward(target.namespace, target.pod, [target.port], far, faults, far)
      .then((opened) => {
        const webSocket = typeof opened === 'function' ? opened() : opened;
        if (!webSocket) return;
        if (socket.destroyed) webSocket.close();
        socket.on('close', () => webSocket.close());
        webSocket.addEventListener('close', () => far.end());
      })
      .catch((error: unknown) => {
        lastError = openingError(error, target);
        socket.destroy();
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    lastError: () => lastError,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** The kubelet's sentence names network namespaces and sandboxes; its end is what a person needs. */
function kubeletError(text: string, { pod, port }: PodPort): Error {
  const reason = /connection refused/.test(text) ? 'connection refused' : text;
  return new Error(`port ${port} of pod/${pod}: ${reason}`);
}

/** The WebSocket was not opened: its error holds the status of the API server's answer in words alone. */
function openingError(error: unknown, { namespace, pod }: PodPort): Error {
  const message = (error as { message?: string }).message ?? String(error);
  const [, status] = /Unexpected server response: (\d+)/.exec(message) ?? [];
  const words: Record<string, string> = {
    403: `you may not port-forward to pods of namespace ${namespace}; needed: get and create on pods/portforward`,
    404: `pod/${pod} is gone from namespace ${namespace}`,
  };
  return new Error(words[status ?? ''] ?? `port-forward to pod/${pod}: ${message}`, { cause: error });
}
