import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Authenticator } from '../../../../sidecar/auth/authenticator.ts';
import { createOidc } from '../../../../sidecar/auth/oidc/create-oidc.ts';
import { oidcAuth } from '../../../../sidecar/auth/oidc/oidc-config.ts';
import { createSeveral } from '../../../../sidecar/auth/several.ts';
import { createStaticTokens } from '../../../../sidecar/auth/static-tokens.ts';
import { createOutbound, type Outbound } from '../../../../sidecar/outbound/outbound.ts';
import { REASONS, refusalBody } from '../../../../sidecar/reasons.ts';
import { SECRET } from '../../../rig/oidc-configuration.ts';
import { RESOURCE, startProvider, type TestProvider } from '../../../rig/oidc-provider.ts';
import { waitFor } from '../../wire/wait-for.ts';
import { ROWS, type World } from './answers.ts';
import { createMovedClock } from './moved-clock.ts';

const log = (): void => undefined;
const STATIC_TOKEN = 'a-static-token-of-somebody';

describe('auth: oidc, token', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-oidc-'));
  const clock = createMovedClock();
  let provider: TestProvider;
  let outbound: Outbound;
  let authenticator: Authenticator;
  let world: World;

  before(async () => {
    provider = await startProvider({ ttlSeconds: 3_600 });
    const tokens = mkdtempSync(join(directory, 'tokens-'));
    writeFileSync(join(tokens, 'system:admin'), STATIC_TOKEN);
    const client = mkdtempSync(join(directory, 'client-'));
    writeFileSync(join(client, 'client_id'), 'proxy\n');
    writeFileSync(join(client, 'client_secret'), SECRET);
    outbound = await createOutbound({}, log);
    const config = oidcAuth.parse({
      mode: 'oidc',
      issuer: provider.issuer,
      audiences: [RESOURCE],
      requiredScopes: ['mcp:tools'],
      introspection: { source: 'secret/client', directory: client },
    });
    authenticator = createSeveral([
      await createOidc(config, { outbound: () => Promise.resolve(outbound), log, clock }),
      await createStaticTokens(
        { source: 'secret/mcp-tokens', directory: tokens },
        { log, revoked: () => undefined },
      ),
    ]);
    world = { provider, staticToken: STATIC_TOKEN, kept: new Map(), forwardMs: clock.forwardMs };
    await waitFor('the provider', () => authenticator.problems?.().length === 0);
  });
  after(async () => {
    authenticator?.close();
    outbound?.close();
    await provider?.stop();
    rmSync(directory, { recursive: true });
  });

  for (const { before: first, shows, credential, status, says, error, ...who } of ROWS) {
    test(`${first ? `${first.says}: ` : ''}${shows}`, async () => {
      await first?.happens(world);
      const token = await credential(world);
      for (const time of ['first', 'second']) {
        const verdict = await authenticator.authenticate({ authorization: `Bearer ${token}` }, {});
        const seen =
          'reason' in verdict
            ? {
                status: REASONS[verdict.reason].status,
                says: JSON.parse(refusalBody(verdict)).error.message,
              }
            : { status: 200, name: verdict.name, groups: verdict.groups };
        assert.deepEqual(seen, { status, ...(says ? { says } : {}), ...who }, `the ${time} time`);
        assert.ok(!JSON.stringify(verdict).includes(token), 'the token is told');
      }
    });
  }
});
