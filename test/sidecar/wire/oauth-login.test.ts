/** People log in: the SDKs' clients find the provider by the sidecar's metadata, and come back for a scope more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isUnauthorized, newUser, v1, v2 } from './oauth-client.ts';
import { startOAuth } from './oauth-world.ts';

for (const [name, dial, era] of [
  ['the SDK’s client 1', v1, 'legacy'],
  ['the SDK’s client 2', v2, 'modern'],
  ['the SDK’s client 2, with a server of sessions,', v2, 'legacy'],
] as const) {
  describe(`${name} with no token`, () => {
    test('logs in, calls, comes back for one more scope, and renews its token', async () => {
      const { provider, sidecar, resource } = await startOAuth({ era });
      const user = newUser();

      const refused = dial(sidecar.url, user);
      await assert.rejects(refused.connected, isUnauthorized);
      const [asked] = user.sent;
      assert.equal(asked!.origin, provider.issuer);
      assert.equal(asked!.searchParams.get('resource'), resource);
      assert.equal(asked!.searchParams.get('code_challenge_method'), 'S256');
      assert.match(asked!.searchParams.get('scope')!, /\bmcp:tools\b/);
      assert.doesNotMatch(asked!.searchParams.get('scope')!, /mcp:admin/);
      assert.ok(provider.asked.includes('/reg'));
      await refused.client.finishAuth(await user.signIn(provider));

      const { connected, client } = dial(sidecar.url, user);
      await connected;
      assert.deepEqual(
        (await client.listTools()).tools.map((each) => each.name),
        ['open', 'admin'],
      );
      await client.callTool({ name: 'open', arguments: {} });

      // Client 1 refreshes where it could, which brings no further scope, and gives up.
      if (dial === v1) delete user.tokens!.refresh_token;
      await assert.rejects(client.callTool({ name: 'admin', arguments: {} }), isUnauthorized);
      assert.match(user.sent.at(-1)!.searchParams.get('scope')!, /\bmcp:admin\b/);
      await client.finishAuth(await user.signIn(provider));
      await client.callTool({ name: 'admin', arguments: {} });
      // Client 2 keeps the list that it has as long as the server lets it.
      const again = dial(sidecar.url, user);
      await again.connected;
      assert.deepEqual(
        (await again.client.listTools()).tools.map((each) => each.name),
        ['open', 'admin', 'hidden'],
      );
      await again.client.close();

      const logins = user.sent.length;
      assert.ok(user.tokens?.refresh_token);
      const expired = await provider.sign({
        ...claimsOf(user.tokens.access_token),
        exp: Math.floor(Date.now() / 1_000) - 60,
      });
      user.tokens.access_token = expired;
      await client.callTool({ name: 'admin', arguments: {} });
      assert.notEqual(user.tokens.access_token, expired);
      assert.equal(user.sent.length, logins);
      await client.close();

      await sidecar.settled();
      const denied = sidecar.audit.filter(({ outcome }) => outcome === 'denied');
      assert.ok(denied.some(({ metadata }) => metadata.extra.rule === 'policy/tools.scopes'));
      assert.ok(sidecar.audit.some(({ subjects }) => JSON.stringify(subjects).includes('oidc:alice')));
    });
  });
}

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as Record<string, unknown>;
