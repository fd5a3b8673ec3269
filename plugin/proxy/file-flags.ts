/** Secrets by file: each kind as the directory that a pod has mounted in its place. Pure. */
import { createSecureContext } from 'node:tls';
import { readClientAuthorities } from '../../sidecar/auth/mtls/read-client-authorities.ts';
import { readTokens } from '../../sidecar/auth/read-tokens.ts';
import { POLICY_KEY, readPolicy } from '../../sidecar/filter/read-policy.ts';
import { compileRule } from '../../sidecar/filter/rules.ts';
import { PINS_KEY, readPins } from '../../sidecar/pins/pins-schema.ts';
import { readClient } from '../../sidecar/outbound/oauth-client.ts';
import { AUTHORITY_FILE, readAuthorities } from '../../sidecar/upstream/read-authorities.ts';
import { readHeaders } from '../../sidecar/upstream/read-headers.ts';

export type FileKind =
  | 'tokens'
  | 'introspection'
  | 'policy'
  | 'pins'
  | 'tls'
  | 'upstreamHeaders'
  | 'upstreamToken'
  | 'outboundAuthority'
  | 'clientAuthority'
  | 'upstreamAuthority';
type Files = ReadonlyMap<string, Buffer>;

export interface FileFlag {
  /** As commander names them. */
  readonly properties: readonly string[];
  readonly flags: readonly string[];
  /** May be a directory, as the pod has it. */
  readonly directory: boolean;
  /** From the contents of the flags' files to the files of the directory. @throws with what is wrong, without contents */
  readonly split: (contents: readonly Buffer[]) => Files;
  /** By the sidecar's own reading. */
  readonly faults: (files: Files) => readonly string[];
  /** Whether nothing is left in force of a file that cannot be read any more. */
  readonly failsClosed: boolean;
}

/** Of the only token in a file that names none. */
const ONLY_CALLER = 'default';
/** As a key of a Secret; what follows "=" is more than the padding of base64. */
const NAMED_TOKEN = /^([A-Za-z0-9][-._A-Za-z0-9]{0,252})=(.*[^=].*)$/;
const CLIENT_FIELD = /^(client_id|client_secret)=(.+)$/;
const HEADER = /^([!#$%&'*+\-^_`|~0-9A-Za-z][!#$%&'*+\-.^_`|~0-9A-Za-z]*):[ \t]*(.*?)[ \t]*$/;

export const FILE_FLAGS: Readonly<Record<FileKind, FileFlag>> = {
  tokens: {
    properties: ['authTokenFile'],
    flags: ['--auth-token-file'],
    directory: true,
    split: ([content]) => tokensOf(content!.toString('utf8')),
    faults: (files) => faultsIn(readTokens(files)),
    failsClosed: true,
  },
  introspection: {
    properties: ['oidcIntrospectionFile'],
    flags: ['--oidc-introspection-file'],
    directory: true,
    split: ([content]) =>
      collected(linesOf(content!.toString('utf8')), CLIENT_FIELD, 'client_id=… or client_secret=…'),
    faults: (files) => faultsIn(readClient(files)),
    failsClosed: false,
  },
  policy: {
    properties: ['policyFile'],
    flags: ['--policy-file'],
    directory: false,
    split: ([content]) => new Map([[POLICY_KEY, content!]]),
    faults: (files) => faultsIn(readPolicy(files.get(POLICY_KEY)!.toString('utf8'), compileRule)),
    failsClosed: false,
  },
  pins: {
    properties: ['pinsFile'],
    flags: ['--pins-file'],
    directory: false,
    split: ([content]) => new Map([[PINS_KEY, content!]]),
    faults: (files) => faultsIn(readPins(files.get(PINS_KEY)!.toString('utf8'))),
    failsClosed: false,
  },
  tls: {
    properties: ['tlsCertFile', 'tlsPrivateKeyFile'],
    flags: ['--tls-cert-file', '--tls-private-key-file'],
    directory: false,
    split: ([cert, key]) =>
      new Map([
        ['tls.crt', cert!],
        ['tls.key', key!],
      ]),
    faults: pairFaults,
    failsClosed: false,
  },
  clientAuthority: {
    properties: ['clientCaFile'],
    flags: ['--client-ca-file'],
    directory: false,
    split: ([content]) => new Map([[AUTHORITY_FILE, content!]]),
    faults: (files) =>
      faultsIn(readClientAuthorities(files)).map((each) => each.replace(`${AUTHORITY_FILE} `, '')),
    failsClosed: true,
  },
  upstreamAuthority: {
    properties: ['upstreamCertificateAuthority'],
    flags: ['--upstream-certificate-authority'],
    directory: false,
    split: ([content]) => new Map([[AUTHORITY_FILE, content!]]),
    faults: (files) => faultsIn(readAuthorities(files)).map((each) => each.replace(`${AUTHORITY_FILE} `, '')),
    failsClosed: false,
  },
  upstreamHeaders: {
    properties: ['upstreamHeadersFile'],
    flags: ['--upstream-headers-file'],
    directory: true,
    split: ([content]) => headersOf(content!.toString('utf8')),
    faults: (files) => faultsIn(readHeaders(files)),
    failsClosed: false,
  },
  upstreamToken: {
    properties: ['upstreamTokenFile'],
    flags: ['--upstream-token-file'],
    directory: true,
    split: ([content]) =>
      collected(linesOf(content!.toString('utf8')), CLIENT_FIELD, 'client_id=… or client_secret=…'),
    faults: (files) => faultsIn(readClient(files)),
    failsClosed: false,
  },
  outboundAuthority: {
    properties: ['outboundCertificateAuthority'],
    flags: ['--outbound-certificate-authority'],
    directory: false,
    split: ([content]) => new Map([[AUTHORITY_FILE, content!]]),
    faults: (files) => faultsIn(readAuthorities(files)).map((each) => each.replace(`${AUTHORITY_FILE} `, '')),
    failsClosed: false,
  },
};
export const FILE_KINDS = Object.keys(FILE_FLAGS) as FileKind[];

function faultsIn(read: { readonly faults: readonly string[] } | object): readonly string[] {
  return 'faults' in read ? read.faults : [];
}

/** Lines that hold something; comments are left out. */
const linesOf = (text: string): { readonly line: string; readonly number: number }[] =>
  text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));

/** One token, of caller "default", or a line NAME=TOKEN for each. */
function tokensOf(text: string): Files {
  const lines = linesOf(text);
  if (lines.length === 0) throw new Error('holds no token');
  const [only] = lines;
  if (lines.length === 1 && !NAMED_TOKEN.test(only!.line))
    return new Map([[ONLY_CALLER, Buffer.from(only!.line)]]);
  return collected(lines, NAMED_TOKEN, 'NAME=TOKEN');
}

/** A line `Name: value` for each, as curl takes them from a file. */
const headersOf = (text: string): Files => collected(linesOf(text), HEADER, '"Name: value"');

function collected(lines: ReturnType<typeof linesOf>, form: RegExp, words: string): Files {
  const files = new Map<string, Buffer>();
  for (const { line, number } of lines) {
    const [, name, value] = form.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`line ${number} is not ${words}`);
    if (files.has(name)) throw new Error(`line ${number} names "${name}" a second time`);
    files.set(name, Buffer.from(value));
  }
  return files;
}

function pairFaults(files: Files): readonly string[] {
  try {
    createSecureContext({ cert: files.get('tls.crt')!, key: files.get('tls.key')! });
    return [];
  } catch {
    // OpenSSL's own words may quote what it read.
    return ['is not a certificate in PEM and its private key'];
  }
}
