/** What is wrong with a configuration that no field of its own can say. */
import type { ServerConfig } from './config.ts';
import { kindsOf } from './auth/auth-config.ts';
import { stdioFault } from './upstream/stdio/stdio-config.ts';
import { tokenFault } from './upstream/token/token-config.ts';

export interface ConfigFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Server = Pick<ServerConfig, 'listenPort' | 'upstream' | 'auth' | 'tls'>;

export function configFaults(adminPort: number, servers: readonly Server[]): ConfigFault[] {
  return [
    ...servers.flatMap(({ upstream, auth }, index) => {
      const kinds = kindsOf(auth);
      const fault =
        upstream.transport === 'stdio' ? stdioFault(upstream, kinds) : tokenFault(upstream, kinds);
      return fault
        ? [{ path: ['servers', index, 'upstream', fault.at] as const, message: fault.message }]
        : [];
    }),
    ...servers.flatMap(({ auth, tls }, index) =>
      !tls && kindsOf(auth).some(({ mode }) => mode === 'mtls')
        ? [
            {
              path: ['servers', index, 'auth'],
              message: 'mtls needs tls: that is where certificates are shown',
            },
          ]
        : [],
    ),
    ...portFaults(adminPort, servers),
  ];
}

function portFaults(adminPort: number, servers: readonly Server[]): ConfigFault[] {
  const taken = new Map([[adminPort, 'adminPort']]);
  const faults: ConfigFault[] = [];
  servers.forEach(({ listenPort, upstream }, index) => {
    for (const [port, at] of [
      [listenPort, 'listenPort'],
      [upstream.port, 'upstream.port'],
    ] as const) {
      // That of another machine, or none.
      if (port === undefined || (at === 'upstream.port' && upstream.host !== undefined)) continue;
      const holder = taken.get(port);
      // One process may have several servers, told apart by their paths.
      if (at === 'upstream.port' && holder?.endsWith(at) && !isSaidBefore(servers, index)) continue;
      if (holder)
        faults.push({
          path: ['servers', index, ...at.split('.')],
          message: `port ${port} is taken by ${holder}`,
        });
      taken.set(port, `servers[${index}].${at}`);
    }
  });
  return faults;
}

function isSaidBefore(servers: readonly Server[], index: number): boolean {
  const { host, port, path } = servers[index]!.upstream;
  return servers
    .slice(0, index)
    .some(({ upstream }) => upstream.host === host && upstream.port === port && upstream.path === path);
}
