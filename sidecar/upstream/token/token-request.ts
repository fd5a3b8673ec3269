/** What a token endpoint is asked for. Pure. */
import { basicAuthorization, type OauthClient } from '../../outbound/oauth-client.ts';
import type { Caller } from './caller.ts';
import type { UpstreamTokenConfig } from './token-config.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** @param caller whose token is exchanged; without one the client asks for itself */
export function tokenRequest(
  { clientAuth, audience = [], resource, scope }: UpstreamTokenConfig,
  client: OauthClient,
  caller: Caller | undefined,
): { readonly headers: Record<string, string>; readonly body: string } {
  const form = new URLSearchParams({ grant_type: caller ? EXCHANGE : 'client_credentials' });
  if (caller) {
    form.set('subject_token', caller.token ?? '');
    form.set('subject_token_type', caller.type);
    form.set('requested_token_type', ACCESS_TOKEN);
  }
  for (const each of audience) form.append('audience', each);
  if (resource !== undefined) form.set('resource', resource);
  if (scope !== undefined) form.set('scope', scope);
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  };
  if (clientAuth === 'basic') headers['authorization'] = basicAuthorization(client);
  else {
    form.set('client_id', client.id);
    form.set('client_secret', client.secret);
  }
  return { headers, body: form.toString() };
}
