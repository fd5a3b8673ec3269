import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { SidecarConfigInput } from '../../../sidecar/config.ts';

/** Callers with a token of an OpenID provider; of the provider there is no more than a sidecar asks for. */
export async function oidcKind(): Promise<{
  readonly token: string;
  readonly server: Pick<SidecarConfigInput['servers'][number], 'auth'>;
}> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256' }] };
  const provider = createServer(({ url = '' }, response) => {
    const document = url === '/jwks' ? jwks : { issuer, jwks_uri: `${issuer}/jwks` };
    response.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  // It ends with the bench.
  provider.unref();
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const token = await new SignJWT({ scope: 'mcp:tools', groups: ['staff', 'ops'] })
    .setProtectedHeader({ alg: 'RS256', kid: 'bench', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience('bench')
    .setSubject('agent')
    .setExpirationTime('12h')
    .sign(privateKey);
  return {
    token,
    server: {
      auth: { mode: 'oidc', issuer, audiences: ['bench'], requiredScopes: ['mcp:tools'] },
    },
  };
}
