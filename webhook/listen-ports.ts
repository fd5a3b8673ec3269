/** Where the proxy listens for each server of a pod. */
import { DEFAULT_LISTEN_PORT } from '../sidecar/config.ts';
import { PREFIX } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import type { ParsedServer } from './server-keys.ts';

/**
 * One server may leave its port out. Ports that were counted up would change for Services when a server is added whose
 * name comes before the others'.
 */
export function listenPortFaults(servers: ParsedServer[]): Refusal[] {
  const named = servers.flatMap(({ server, texts, values }) =>
    server ? [{ name: server.name, text: texts.get('listen-port'), port: values['listen-port'] }] : [],
  );
  const free = freePort(servers);
  const [first, ...others] = named.filter(({ text }) => text === undefined);
  const holders = new Map(first?.port === undefined ? [] : [[first.port, first.name]]);
  const equal = named.flatMap(({ name, text, port }) => {
    if (text === undefined || port === undefined) return [];
    const holder = holders.get(port);
    holders.set(port, holder ?? name);
    const message = `is the listen-port of server ${holder} too`;
    const mend = `set it to another; ${free} is free`;
    return holder === undefined ? [] : [refuse('PortsEqual', `${name}.listen-port`, text, message, mend)];
  });
  if (first === undefined || others.length === 0) return equal;
  const keys = others.map(({ name }) => `${PREFIX}${name}.listen-port`).join(', ');
  const missing = refuse(
    'ListenPortMissing',
    `${first.name}.listen-port`,
    undefined,
    `is missing beside ${keys}, while ${DEFAULT_LISTEN_PORT} can be that of one server alone`,
    `set all of them but one; ${free} is free`,
  );
  return [missing, ...equal];
}

function freePort(servers: ParsedServer[]): number {
  const taken = servers.flatMap(({ values }) => [values['listen-port'], values['admin-port']]);
  let port = DEFAULT_LISTEN_PORT;
  while (taken.includes(port)) port++;
  return port;
}
