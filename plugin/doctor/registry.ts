/** Every check, in the order in which they are shown. */
import { type Check, CATEGORIES } from './check.ts';
import { accessChecks } from './checks/access.ts';
import { annotationChecks } from './checks/annotations.ts';
import { availabilityChecks } from './checks/availability.ts';
import { authChecks } from './checks/auth.ts';
import { certificateChecks } from './checks/certificate.ts';
import { edgeChecks } from './checks/edge.ts';
import { filterChecks } from './checks/filter.ts';
import { injectionChecks } from './checks/injection.ts';
import { lostChecks } from './checks/lost.ts';
import { limitChecks } from './checks/limits.ts';
import { networkChecks } from './checks/network.ts';
import { oauthChecks } from './checks/oauth.ts';
import { reviewChecks } from './checks/reviews.ts';
import { oidcChecks } from './checks/oidc.ts';
import { pinsChecks } from './checks/pins.ts';
import { refusalChecks } from './checks/refusals.ts';
import { revisionChecks } from './checks/revisions.ts';
import { serverChecks } from './checks/server.ts';
import { sidecarChecks } from './checks/sidecar.ts';
import { stdioChecks } from './checks/stdio.ts';
import { tokenChecks } from './checks/tokens.ts';
import { trustChecks } from './checks/trust.ts';
import { upgradeChecks } from './checks/upgrade.ts';
import { upstreamTokenChecks } from './checks/upstream-token.ts';
import { upstreamChecks } from './checks/upstream.ts';
import { webhookChecks } from './checks/webhook.ts';

export const CHECKS: readonly Check[] = [
  ...webhookChecks,
  ...revisionChecks,
  ...availabilityChecks,
  ...certificateChecks,
  ...trustChecks,
  ...annotationChecks,
  ...injectionChecks,
  ...refusalChecks,
  ...lostChecks,
  ...upgradeChecks,
  ...sidecarChecks,
  ...serverChecks,
  ...upstreamChecks,
  ...upstreamTokenChecks,
  ...stdioChecks,
  ...authChecks,
  ...tokenChecks,
  ...oidcChecks,
  ...reviewChecks,
  ...oauthChecks,
  ...accessChecks,
  ...filterChecks,
  ...pinsChecks,
  ...networkChecks,
  ...edgeChecks,
  ...limitChecks,
].toSorted((a, b) => CATEGORIES.indexOf(a.category) - CATEGORIES.indexOf(b.category));
