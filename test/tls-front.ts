/** TLS in front of a server of plain HTTP; what clients asked for in the handshake is kept. */
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { TlsOptions, TLSSocket } from 'node:tls';

export interface TlsFront {
  readonly port: number;
  readonly handshakes: { readonly servername: unknown; readonly alpn: unknown; readonly version: unknown }[];
  stop(): Promise<void>;
}

export async function startTlsFront(
  backendPort: number,
  pair: { readonly 'tls.crt': string; readonly 'tls.key': string },
  options: TlsOptions = {},
): Promise<TlsFront> {
  const sockets = new Set<TLSSocket>();
  const handshakes: TlsFront['handshakes'] = [];
  const server = createServer(
    { cert: pair['tls.crt'], key: pair['tls.key'], ALPNProtocols: ['h2', 'http/1.1'], ...options },
    (socket) => {
      sockets.add(socket);
      handshakes.push({
        servername: (socket as { servername?: unknown }).servername,
        alpn: socket.alpnProtocol,
        version: socket.getProtocol(),
      });
      const backend = connect(backendPort, '127.0.0.1');
      socket.on('error', () => backend.destroy()).on('close', () => backend.destroy());
      backend.on('error', () => socket.destroy()).on('close', () => socket.end());
      socket.pipe(backend);
      backend.pipe(socket);
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    handshakes,
    async stop() {
      server.close();
      for (const each of sockets) each.destroy();
      await once(server, 'close');
    },
  };
}
