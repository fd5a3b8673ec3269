/** What the commands of `kubectl mcp token` do. */
import type { V1Secret } from '@kubernetes/client-node';
import { type TokenRecord, tokenId } from '../../sidecar/auth/token-record.ts';
import { readTokens } from '../../sidecar/auth/read-tokens.ts';
import {
  type ChangeFlags,
  LIST_FORMATS,
  type ListFlags,
  MADE_FORMATS,
  type MakeFlags,
  type RevokeFlags,
  type RotateFlags,
} from './flags.ts';
import type { Deps } from '../deps.ts';
import { CliError } from '../errors.ts';
import { parseDurationMs } from '../flags.ts';
import type { Cluster } from '../kube/client.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { formatTable } from '../print/table.ts';
import { createProgress } from '../progress.ts';
import { writeLine } from '../streams.ts';
import { createToken, type NewToken, revokeTokens, rotateToken, type TokenChange } from './change.ts';
import { columnsAt } from './columns.ts';
import { findTokenSecret, type TokenSecret } from './find-secret.ts';
import { daysOf, DEFAULT_LIFETIME, expiryOf } from './lifetime.ts';
import { patchSecret, readTokenSecret } from './patch-secret.ts';
import { checkProxies } from './check-proxies.ts';
import { contentOf, type SecretData, shown, storedTokens } from './stored.ts';
import { waitInForce } from './wait-in-force.ts';
import { warnOfOwners } from './owners.ts';

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

export async function runCreate(
  { name, caller }: { name: string; caller: string },
  flags: MakeFlags,
  deps: Deps,
): Promise<void> {
  const nowMs = deps.nowMs();
  const expiresAtMs = expiryOf(flags, nowMs, daysOf(DEFAULT_LIFETIME, '--expires-in'));
  await make(name, { caller, verb: 'created' }, flags, deps, (data, source) =>
    createToken(data, { caller, nowMs, random, madeFor: flags.for, source, expiresAtMs }),
  );
}

export async function runRotate(
  { name, caller }: { name: string; caller: string },
  flags: RotateFlags,
  deps: Deps,
): Promise<void> {
  const nowMs = deps.nowMs();
  const overlapMs = daysOf(flags.overlap, '--overlap');
  if (overlapMs === undefined)
    throw new CliError('--overlap: "never" is no duration; the old token has to end');
  expiryOf(flags, nowMs, undefined);
  const wanted = { caller, verb: 'rotated', takesAway: overlapMs === 0 };
  const made = await make(name, wanted, flags, deps, (data, source) =>
    rotateToken(data, {
      caller,
      nowMs,
      random,
      madeFor: flags.for,
      source,
      overlapMs,
      expiryOf: (before) => expiryOf(flags, nowMs, before),
    }),
  );
  const end = Math.max(...made.kept.map((each) => each.expiresAtMs ?? 0));
  writeLine(
    deps.streams.err,
    made.kept.length === 0 ? 'The old token is refused' : `The old token is good until ${timeOf(end)}`,
  );
}

/** Prints the token before it waits: it is kept nowhere. */
async function make<Made extends NewToken>(
  name: string,
  { caller, verb, takesAway }: { caller: string; verb: string; takesAway?: boolean },
  flags: MakeFlags,
  deps: Deps,
  change: (data: SecretData, source: string) => Made,
): Promise<Made> {
  const { streams } = deps;
  const format = checkFormat(flags.output, MADE_FORMATS);
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const { cluster, secret } = await target(name, flags, deps);
  await checkProxies(cluster, secret, (text) => writeLine(streams.err, text));
  const source = `secret/${secret.name}`;
  const patched = await patchSecret(cluster, secret, (data) => change(data, source));
  const { token, record } = patched.change;
  const { status: _status, stored: _stored, ...fields } = shown(caller, record, deps.nowMs());
  const all = { ...fields, secret: secret.name, namespace: secret.namespace, token };
  if (format === 'json') streams.out.write(formatJson(all));
  else if (format === 'yaml') streams.out.write(await formatYaml(all));
  else writeLine(streams.out, token);
  writeLine(
    streams.err,
    `token "${caller}" of ${secret.title} ${verb}, ${endOf(record)}; it is shown this once`,
  );
  warn(patched.secret, deps);
  const lagging = `the new token of "${caller}" is not taken yet by`;
  const { isIn } = patched.change;
  await settle({ cluster, secret, isIn, lagging, timeoutMs, ...(takesAway && { takesAway }) }, flags, deps);
  return patched.change;
}

export async function runRevoke(
  { name, callers }: { name: string; callers: readonly string[] },
  flags: RevokeFlags,
  deps: Deps,
): Promise<void> {
  const { streams } = deps;
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const { cluster, secret } = await target(name, flags, deps);
  const source = `secret/${secret.name}`;
  const { change, secret: now } = await patchSecret(cluster, secret, (data) =>
    revokeTokens(data, { callers, id: flags.id, source }),
  );
  warn(now, deps);
  const lagging = `${callers.map((each) => `"${each}"`).join(', ')} may still be let in by`;
  await settle({ cluster, secret, isIn: change.isIn, lagging, timeoutMs, takesAway: true }, flags, deps);
  const id = flags.id === undefined ? '' : ` (${flags.id})`;
  for (const caller of callers) writeLine(streams.out, `token "${caller}"${id} revoked`);
}

export async function runList(name: string, flags: ListFlags, deps: Deps): Promise<void> {
  const { out, err } = deps.streams;
  const format = checkFormat(flags.output, LIST_FORMATS);
  const { cluster, secret } = await target(name, flags, deps);
  const found = await readTokenSecret(cluster, secret);
  if (!found)
    throw new CliError(
      `Error from server (NotFound): secrets "${secret.name}" not found\nMake it with its first token: kubectl mcp token create ${secret.title} CALLER -n ${secret.namespace}`,
      { bare: true },
    );
  const tokens = storedTokens(found.data ?? {}, deps.nowMs());
  const all = { secret: secret.name, namespace: secret.namespace, tokens };
  if (format === 'json') out.write(formatJson(all));
  else if (format === 'yaml') out.write(await formatYaml(all));
  else if (format === 'name') {
    for (const caller of new Set(tokens.map((each) => each.caller))) writeLine(out, `token/${caller}`);
  } else if (tokens.length > 0) {
    const shape = { wide: format === 'wide', noHeaders: !flags.headers };
    out.write(formatTable(columnsAt(deps.nowMs()), tokens, shape));
  }
  for (const each of faultsOf(found)) writeLine(err, `Warning: ${each}`);
}

async function target(
  name: string,
  flags: ChangeFlags | ListFlags,
  { connect, env }: Deps,
): Promise<{ cluster: Cluster; secret: TokenSecret }> {
  const cluster = await connect(flags, env);
  return { cluster, secret: await findTokenSecret(cluster, name, flags) };
}

function warn(now: V1Secret, { streams }: Deps): void {
  for (const each of [...warnOfOwners(now), ...faultsOf(now)]) writeLine(streams.err, `Warning: ${each}`);
}

/** By the proxy's own reading: one of them keeps everyone out. */
function faultsOf({ data = {}, metadata }: V1Secret): string[] {
  const files = Object.entries(data).map(([key, text]) => [key, contentOf(text)] as const);
  const read = readTokens(new Map(files));
  return 'faults' in read ? [`nobody can call: secret/${metadata?.name} ${read.faults.join('; ')}`] : [];
}

async function settle(
  wanted: {
    cluster: Cluster;
    secret: TokenSecret;
    isIn: TokenChange['isIn'];
    lagging: string;
    timeoutMs: number;
    takesAway?: boolean;
  },
  { wait }: ChangeFlags,
  { streams, signal }: Deps,
): Promise<void> {
  const { cluster, secret, ...rest } = wanted;
  if (!wait) {
    writeLine(streams.err, 'Pods take it when the kubelet has brought it, within 90 seconds');
    return;
  }
  const progress = createProgress(streams);
  try {
    const pods = await waitInForce(cluster, secret, { ...rest, progress, signal });
    progress.end();
    writeLine(
      streams.err,
      pods === 0 ? 'No pod runs' : `In force in ${pods === 1 ? '1 pod' : `${pods} pods`}`,
    );
  } finally {
    progress.end();
  }
}

const endOf = ({ expiresAtMs, ...record }: TokenRecord): string =>
  `id ${tokenId(record)}, ${expiresAtMs === undefined ? 'without an end' : `good until ${timeOf(expiresAtMs)}`}`;

const timeOf = (atMs: number): string => new Date(atMs).toISOString().replace('.000Z', 'Z');
