/** The proxies under measurement: how each is configured and started. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_ENV, CONFIG_VERSION, POD_ENV } from '../../sidecar/config.ts';
import type { SidecarConfigInput } from '../../sidecar/config.ts';
import type { UpstreamTokenConfig } from '../../sidecar/upstream/token/token-config.ts';

export interface Target {
  name: string;
  port: number;
  command: string[];
  env: Record<string, string>;
  /** The caller's token. */
  token: string;
  tls?: true;
  /** Keys of the scenarios that it is measured in; absent: all. */
  scenarios?: readonly string[];
}

export interface Place {
  /** A directory of this run alone. */
  directory: string;
  token: string;
  upstreamPort: number;
  /** Free ports. */
  ports: [number, number];
}

/** The facts of the pod that the sidecar is in. */
export const POD: Readonly<Record<string, string>> = {
  [POD_ENV.name]: 'bench-6d5f7c9b8-x2x4z',
  [POD_ENV.namespace]: 'bench',
  [POD_ENV.uid]: '0b1f6f0e-6a51-4f4e-8f39-7a2e5a1c9d10',
  [POD_ENV.ip]: '127.0.0.1',
  [POD_ENV.node]: 'bench',
};

/** What the filter lets through: about half of the backend's tools. */
export const ALLOWED_TOOLS = ['echo', 'blob', 'get_*'];

/** A bearer check, an access log, keep-alive upstream: the least that a gateway does. It reads no body. */
export function nginx({ directory, token, upstreamPort, ports }: Place): Target {
  const conf = join(directory, 'nginx.conf');
  writeFileSync(
    conf,
    `worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/nginx-error.log warn; daemon off;
events { worker_connections 1024; }
http {
  access_log ${directory}/nginx-access.log combined;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${directory}/${each};`).join(' ')}
  client_body_buffer_size 64k; keepalive_requests 100000000; keepalive_timeout 600s;
  proxy_buffers 16 16k; proxy_buffer_size 16k; proxy_busy_buffers_size 64k;
  map $http_authorization $allowed { default 0; "Bearer ${token}" 1; }
  upstream backend { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${ports[0]} backlog=511;
    location / {
      if ($allowed = 0) { return 401; }
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "";
    }
  }
}
`,
  );
  return {
    name: 'nginx',
    port: ports[0],
    command: ['nginx', '-p', directory, '-e', join(directory, 'nginx-error.log'), '-c', conf],
    env: {},
    token,
  };
}

type ServerInput = SidecarConfigInput['servers'][number];

export interface SidecarKind {
  readonly name: string;
  readonly token: string;
  readonly server: Partial<ServerInput> & Pick<ServerInput, 'auth'>;
  readonly env?: Record<string, string>;
  readonly upstreamToken?: UpstreamTokenConfig;
  readonly scenarios?: readonly string[];
}

/** The sidecar as the webhook sets it up with `allow-tools`. */
export function sidecar(
  { upstreamPort, ports }: Omit<Place, 'token' | 'directory'>,
  { name, token, server, env = {}, upstreamToken, scenarios }: SidecarKind,
  nodeArguments: string[],
): Target {
  const config: SidecarConfigInput = {
    version: CONFIG_VERSION,
    adminPort: ports[1],
    drain: { path: '/drain/benchbenchbenchbench', endpointGraceMs: 0, timeoutMs: 1000 },
    servers: [
      {
        name: 'bench',
        listenPort: ports[0],
        upstream: {
          transport: 'streamable-http',
          port: upstreamPort,
          path: '/mcp',
          ...(upstreamToken ? { token: upstreamToken } : {}),
        },
        filter: { allowTools: ALLOWED_TOOLS, mode: 'all' },
        audit: 'stdout',
        ...server,
      },
    ],
  };
  return {
    name,
    port: ports[0],
    command: [process.execPath, ...nodeArguments],
    env: {
      ...env,
      [CONFIG_ENV]: JSON.stringify(config),
      ...POD,
    },
    token,
    ...(server.tls ? { tls: true } : {}),
    ...(scenarios ? { scenarios } : {}),
  };
}
