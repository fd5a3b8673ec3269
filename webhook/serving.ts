/** Which certificate is served: a new one when the API server trusts it, and not before. Pure. */
import { certificatesIn, issuerIn } from './bundle.ts';

/** PEM. */
export type Pair = {
  cert: string;
  key: string;
  /** Its CA, where the webhook keeps that itself. */
  ca?: string;
};
export type Serving = {
  /** None until the first was read. */
  pair?: Pair;
  /** The certificate that will be served if the bundle holds its CA at the next look, too. */
  next?: string;
  /** Why the API server would refuse what is served. */
  fault?: string;
};

/**
 * What to serve after a look at the source (`wanted`) and at the API server (`bundle`). A CA must have been in the
 * bundle at two looks: each API server of a cluster learns of it in its own time. Nothing is waited for when the
 * certificate that is served is of no use, or of the same CA.
 */
export function serveNext({ pair, next }: Serving, wanted: Pair, bundle: string, now: Date): Serving {
  const trusted = issuerIn(bundle, wanted.cert);
  const isSame = pair?.cert === wanted.cert;
  const isOfUse = pair && faultOf(pair.cert, bundle, now) === undefined;
  if (isSame || !isOfUse || trusted === issuerIn(bundle, pair.cert) || (trusted && next === wanted.cert)) {
    const fault = faultOf(wanted.cert, bundle, now);
    return { pair: wanted, ...(fault && { fault }) };
  }
  return { pair, ...(trusted && { next: wanted.cert }) };
}

function faultOf(cert: string, bundle: string, now: Date): string | undefined {
  const [leaf] = certificatesIn(cert);
  if (!leaf || now >= leaf.validToDate) return 'the serving certificate has expired';
  if (bundle === '') return 'the webhook configuration holds no CA';
  return issuerIn(bundle, cert)
    ? undefined
    : 'the webhook configuration does not hold the CA of the serving certificate';
}
