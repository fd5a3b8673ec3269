import type { Gauge } from '../metrics.ts';
import type { ListenServer } from './listen-server.ts';

/** What the listen ports tell of clients that never came as far as a request. */
export function listenGauges(
  servers: readonly { readonly name: string; readonly listener: ListenServer }[],
): Gauge[] {
  const withTls = servers.flatMap(({ name, listener }) => {
    const notAfter = listener.tls?.notAfter();
    return notAfter ? [{ labels: { server: name }, value: notAfter.getTime() / 1000 }] : [];
  });
  return [
    {
      name: 'kubectl_mcp_connections',
      help: 'Open connections of clients.',
      values: servers.map(({ name, listener }) => ({
        labels: { server: name },
        value: listener.connections(),
      })),
    },
    {
      name: 'kubectl_mcp_client_faults_total',
      help: 'Connections that were ended, by why.',
      type: 'counter',
      values: servers.flatMap(({ name, listener }) =>
        Object.entries(listener.faults).map(([fault, value]) => ({ labels: { server: name, fault }, value })),
      ),
    },
    {
      name: 'kubectl_mcp_oauth_metadata_total',
      help: 'Requests for the metadata of the protected resource.',
      type: 'counter',
      values: servers.map(({ name, listener }) => ({
        labels: { server: name },
        value: listener.metadataRequests(),
      })),
    },
    ...(withTls.length === 0
      ? []
      : [
          {
            name: 'kubectl_mcp_tls_not_after_seconds',
            help: 'When the certificate of the listen port expires, in seconds since 1970.',
            values: withTls,
          },
        ]),
  ];
}
