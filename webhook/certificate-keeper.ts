/** Keeps certificate and trust together, look by look. */
import type { Api } from './api.ts';
import { certificatesIn } from './bundle.ts';
import { readCertificateDirectory } from './certificate-directory.ts';
import { bundleOf } from './certificates.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { installNames, WEBHOOK_ENTRY } from './names.ts';
import type { InstallNames } from './names.ts';
import { serveNext } from './serving.ts';
import type { Pair, Serving } from './serving.ts';
import { loadCertificates } from './stored-certificates.ts';
import { EARLY_WORD, GATE, describeBundle, isMissing, readTrust, writeTrust } from './trust.ts';
import type { Bundles } from './trust.ts';

export type KeeperParts = {
  api: Api;
  now: () => Date;
  log: Log;
  metrics: Metrics;
  /** Where another provides certificate and trust; else the webhook does so itself. */
  directory?: string | undefined;
  /** Of the default, unless given. */
  names?: InstallNames;
  /** Told of each certificate that is to be served from now on. */
  serve: (pair: Pair) => void;
};

export type Keeper = {
  /** Reads, repairs, decides; never throws. */
  look: () => Promise<void>;
  /** Why the API server would refuse what is served; undefined when it would not. */
  fault: () => string | undefined;
};

export function createKeeper({
  api,
  now,
  log,
  metrics,
  directory,
  names = installNames(),
  serve,
}: KeeperParts): Keeper {
  let serving: Serving = { fault: 'no certificate yet' };
  let trouble: string | undefined;

  /** `due`: what the bundle should be; undefined where another writes it. */
  async function readSource(): Promise<{ wanted: Pair; due?: string }> {
    if (directory !== undefined) return { wanted: readCertificateDirectory(directory, names.host) };
    const data = await loadCertificates(api, { now, log, serving: serving.pair?.ca, names });
    return {
      wanted: { cert: data['tls.crt'], key: data['tls.key'], ca: data['ca.crt'] },
      due: bundleOf(data),
    };
  }

  async function look(): Promise<void> {
    const { wanted, due } = await readSource();
    // First, so that who is ready is believed by both; but pods do not wait for a word that cannot be given.
    const hitch = await tend(EARLY_WORD, due).then(
      () => undefined,
      (error: unknown) => (isMissing(error) ? undefined : error),
    );
    const found = await readTrust(api, GATE, names);
    try {
      const { [WEBHOOK_ENTRY]: bundle = '' } = await mend(GATE, { [WEBHOOK_ENTRY]: '', ...found }, due);
      decide(wanted, bundle);
    } catch (error) {
      decide(wanted, found[WEBHOOK_ENTRY] ?? '');
      throw error;
    }
    if (hitch) throw hitch;
  }

  const tend = async (configuration: typeof GATE, due: string | undefined) =>
    mend(configuration, await readTrust(api, configuration, names), due);

  async function mend(configuration: typeof GATE, found: Bundles, due: string | undefined): Promise<Bundles> {
    const wrong = Object.values(found).find((each) => each !== due);
    if (due === undefined || wrong === undefined) return found;
    const right = Object.fromEntries(Object.keys(found).map((name) => [name, due]));
    await writeTrust(api, configuration, right, names);
    log('info', 'caBundle written', {
      configuration: configuration.kind,
      found: describeBundle(wrong),
      now: describeBundle(due),
    });
    metrics.countTrustWritten();
    return right;
  }

  function decide(wanted: Pair, bundle: string): void {
    const before = serving;
    const next = serveNext(before, wanted, bundle, now());
    const { pair, fault } = next;
    if (pair && pair.cert !== before.pair?.cert) {
      serve(pair);
      log('info', 'certificate served', { expires: expiryOf(pair.cert)?.toISOString() });
    }
    serving = next;
    if (fault !== before.fault)
      log(fault ? 'error' : 'info', fault ? 'not trusted' : 'trusted', { detail: fault });
    metrics.certificates({ serving: expiryOf(pair?.cert), ca: expiryOf(wanted.ca) });
  }

  return {
    look: async () => {
      try {
        await look();
        if (trouble !== undefined)
          log('info', 'certificate and webhook configuration are looked after again');
        trouble = undefined;
      } catch (error) {
        const { message } = error as Error;
        // Once, not at every look.
        if (message !== trouble)
          log('error', 'cannot look after certificate and webhook configuration', { detail: message });
        trouble = message;
      }
      metrics.trusted(serving.fault === undefined);
    },
    fault: () => serving.fault && [serving.fault, trouble].filter((each) => each !== undefined).join(': '),
  };
}

const expiryOf = (pem: string | undefined): Date | undefined => certificatesIn(pem)[0]?.validToDate;
