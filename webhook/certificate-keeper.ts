/** Keeps certificate and trust together, look by look. */
import type { Api } from './api.ts';
import { certificatesIn } from './bundle.ts';
import { readCertificateDirectory } from './certificate-directory.ts';
import { bundleOf } from './certificates.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { serveNext } from './serving.ts';
import type { Pair, Serving } from './serving.ts';
import { WEBHOOK_HOST, loadCertificates } from './stored-certificates.ts';
import { describeBundle, readTrust, writeTrust } from './trust.ts';

export type KeeperParts = {
  api: Api;
  now: () => Date;
  log: Log;
  metrics: Metrics;
  /** Where another provides certificate and trust; else the webhook does so itself. */
  directory?: string | undefined;
  /** Told of each certificate that is to be served from now on. */
  serve: (pair: Pair) => void;
};

export type Keeper = {
  /** Reads, repairs, decides; never throws. */
  look: () => Promise<void>;
  /** Why the API server would refuse what is served; undefined when it would not. */
  fault: () => string | undefined;
};

export function createKeeper({ api, now, log, metrics, directory, serve }: KeeperParts): Keeper {
  let serving: Serving = { fault: 'no certificate yet' };
  let trouble: string | undefined;

  /** `due`: what the bundle should be; undefined where another writes it. */
  async function readSource(): Promise<{ wanted: Pair; due?: string }> {
    if (directory !== undefined) return { wanted: readCertificateDirectory(directory, WEBHOOK_HOST) };
    const data = await loadCertificates(api, { now, log, serving: serving.pair?.ca });
    return {
      wanted: { cert: data['tls.crt'], key: data['tls.key'], ca: data['ca.crt'] },
      due: bundleOf(data),
    };
  }

  async function look(): Promise<void> {
    const { wanted, due } = await readSource();
    const found = await readTrust(api);
    if (due === undefined || due === found) return decide(wanted, found);
    try {
      await writeTrust(api, due);
    } catch (error) {
      decide(wanted, found);
      throw error;
    }
    log('info', 'caBundle written', { found: describeBundle(found), now: describeBundle(due) });
    metrics.countTrustWritten();
    decide(wanted, due);
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
