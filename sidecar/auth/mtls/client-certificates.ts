import type { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { globMatcher } from '../../glob.ts';
import type { Log } from '../../log.ts';
import type { DirectoryReading } from '../../mounted/read-directory.ts';
import { watchDirectory } from '../../mounted/watch-directory.ts';
import { sourceInWords } from '../../mounts.ts';
import { principal, type Principal } from '../../principal.ts';
import { refuse, type Refusal } from '../../reasons.ts';
import type { KindAuthenticator } from '../authenticator.ts';
import { nameIn } from './certificate-name.ts';
import { type CertificatePath, type ClientAuthorities, pathTo } from './certificate-path.ts';
import type { MtlsAuth } from './mtls-config.ts';
import { readClientAuthorities } from './read-client-authorities.ts';
import { rejectionWords } from './rejection-words.ts';

interface Proof {
  readonly presented: readonly X509Certificate[];
  /** As it is with the authorities of `version`; undefined: it ends at none of them. */
  path: CertificatePath | undefined;
  version: number;
}

/** No scheme of HTTP stands for it, and a browser or an OAuth client must not be asked for a token. */
const CHALLENGE = { 'www-authenticate': 'TLS-Client-Certificate realm="mcp"' };
/** The next connection is verified anew, perhaps with other authorities. */
const ANEW = { ...CHALLENGE, connection: 'close' };

/**
 * `auth: mtls`: the certificate of the TLS handshake, which asks for one and takes connections without. The authorities
 * are followed, and connections that are open are judged by the new ones; while these cannot be read, nobody is let in.
 * @param revoked some that were let in before may not be any more
 */
export async function createClientCertificates(
  config: MtlsAuth,
  { log, revoked, now = Date.now }: { log: Log; revoked: () => void; now?: () => number },
): Promise<KindAuthenticator> {
  const allowed = config.allow?.map(globMatcher);
  let authorities: ClientAuthorities = { roots: [], others: [] };
  let pems: readonly string[] = [];
  let problem: string | undefined;
  let version = 0;
  let changed: (() => void) | undefined;
  const callers = new WeakMap<object, Principal>();
  const proofs = new WeakMap<Principal, Proof>();

  function take(reading: DirectoryReading): void {
    const read = 'problem' in reading ? { faults: [reading.problem] } : readClientAuthorities(reading.files);
    pems = 'faults' in read ? [] : read.certificates;
    authorities = 'faults' in read ? { roots: [], others: [] } : read.authorities;
    problem = 'faults' in read ? `${sourceInWords(config.source)}: ${read.faults.join('; ')}` : undefined;
    version++;
    if ('faults' in read) log('client_authorities_refused', { source: config.source, faults: read.faults });
    else log('client_authorities_loaded', { source: config.source, authorities: pems.length });
    changed?.();
    if (version > 1) revoked();
  }

  function isGood(proof: Proof): boolean {
    if (proof.version !== version) {
      proof.path = pathTo(authorities, proof.presented);
      proof.version = version;
    }
    const { path } = proof;
    const nowMs = now();
    return path !== undefined && nowMs >= path.fromMs && nowMs < path.untilMs;
  }

  function authenticate(headers: IncomingHttpHeaders, connection: object): Principal | Refusal {
    if (problem !== undefined) return refuse('keys-unavailable', undefined, { 'retry-after': '5' });
    // A credential that nobody here judges is not passed over for one that is good.
    if (headers.authorization !== undefined || headers['x-mcp-auth'] !== undefined)
      return refuse('credentials-invalid', 'callers show a client certificate here, and no token', CHALLENGE);
    const known = callers.get(connection);
    if (known && holds(known)) return known;
    const socket = connection as Partial<TLSSocket>;
    const leaf = socket.getPeerX509Certificate?.();
    if (!leaf)
      return refuse('credentials-missing', 'a client certificate is wanted in the TLS handshake', CHALLENGE);
    const proof: Proof = { presented: presentedWith(leaf), path: undefined, version: -1 };
    if (!isGood(proof) || socket.authorized !== true)
      return refused(rejectionWords(socket, proof.path, now()));
    const read = nameIn(leaf);
    if ('fault' in read) return refused(read.fault);
    if (allowed && !allowed.some((matches) => matches(read.name)))
      return refuse(
        'principal-forbidden',
        `"${read.name}" is not among the names of certificates allowed here`,
      );
    const caller = principal({
      kind: 'mtls',
      issuer: config.source,
      name: `mtls:${read.name}`,
      groups: read.groups.map((each) => `mtls:${each}`),
      actors: [],
    });
    callers.set(connection, caller);
    proofs.set(caller, proof);
    return caller;
  }

  function holds(caller: Principal): boolean {
    const proof = proofs.get(caller);
    return proof !== undefined && isGood(proof);
  }

  const watched = await watchDirectory(config.directory, take);
  return {
    kind: 'mtls',
    recognises: ({ form }) => (form === 'certificate' ? 'yes' : 'no'),
    authenticate,
    holds,
    notReady: () => problem,
    clientTls: { authorities: () => pems, follow: (told) => void (changed = told) },
    close: () => watched.close(),
  };
}

/** As the client sent them, its own first. */
function presentedWith(leaf: X509Certificate): readonly X509Certificate[] {
  const presented = [leaf];
  for (let next = leaf.issuerCertificate; next && presented.length < 16; next = next.issuerCertificate)
    presented.push(next);
  return presented;
}

const refused = (why: string): Refusal =>
  refuse('credentials-invalid', `the client certificate is not accepted: ${why}`, ANEW);
