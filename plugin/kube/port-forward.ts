/** A local TCP port whose connections end at a port of a pod, as `kubectl port-forward` does. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Cluster } from './client.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface Forward {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly port: number;
  /** What the last connection failed with: the kubelet reports it beside the data, which is then just cut. */
  lastError(): unknown;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1 and a free port. Faults of the far end show when a connection is made. */
export async function forwardPort(cluster: Cluster, target: PodPort): Promise<Forward> {
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
  let lastError: unknown;

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    const faults = new PassThrough().on('data', (chunk: Buffer) => {
      // The channel opens with an empty message.
      if (chunk.length === 0) return;
      lastError = new Error(chunk.toString('utf8').trim());
      socket.destroy();
    });
    forward
      .portForward(target.namespace, target.pod, [target.port], socket, faults, socket)
      .then((opened) => {
        const webSocket = typeof opened === 'function' ? opened() : opened;
        if (!webSocket) return;
        if (socket.destroyed) webSocket.close();
        socket.on('close', () => webSocket.close());
        webSocket.addEventListener('close', () => socket.end());
      })
      .catch((error: unknown) => {
        lastError = error;
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
