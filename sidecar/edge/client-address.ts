import { BlockList, isIP } from 'node:net';

export interface ClientAddresses {
  /** Whether the word of this peer on who its client is counts. */
  isTrusted(address: string): boolean;
  /** The client behind a trusted peer, from the value of `X-Forwarded-For`. */
  behind(peer: string, forwardedFor: string): string;
}

/**
 * Who calls, when proxies stand in between. Each writes the address that it was called from at the end of
 * `X-Forwarded-For`, so that the list is as good as its writers: read from the right, it is believed up to the first
 * address that is not a trusted proxy's. What is left of that the client may have written itself. `Forwarded`
 * (RFC 7239) is not read: a proxy that writes one and passes on a client's other would give two answers.
 * @param trusted ranges in CIDR notation
 */
export function compileTrustedProxies(trusted: readonly string[]): ClientAddresses {
  const list = new BlockList();
  for (const range of trusted) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  const isTrusted = (address: string): boolean =>
    isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return {
    isTrusted,
    behind(peer, forwardedFor) {
      let client = peer;
      for (let end = forwardedFor.length; end > 0;) {
        const comma = forwardedFor.lastIndexOf(',', end - 1);
        const address = addressIn(forwardedFor.slice(comma + 1, end));
        // A trusted proxy that does not know writes `unknown`, or nothing; the client is not known beyond it.
        if (address === undefined) return client;
        client = address;
        if (!isTrusted(address)) return client;
        end = comma;
      }
      return client;
    },
  };
}

/** Without a port, and IPv4 as such where a dual-stack socket writes it into IPv6. */
export function addressIn(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.length > 60) return undefined;
  const bare =
    /^\[([^\]]+)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed;
  // Before isIP() sees it: the first look at an IPv6 address takes Node 9 ms, at a cold start's cost.
  const address = bare.toLowerCase().replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '');
  return isIP(address) === 0 || address.includes('%') ? undefined : address;
}
