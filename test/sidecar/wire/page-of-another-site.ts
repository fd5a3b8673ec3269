/** What a web page does with the SDK's client; bundled, and run in a real browser. Tells the site that it came from. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

export interface PageReport {
  /** Text of the tool's result, or the error as the page sees it. */
  readonly call: string;
  /** Status and challenge of a call without a token, or the error. */
  readonly refused: string;
}

const page = globalThis as unknown as { readonly location: { readonly search: string } };
const url = new URL(new URLSearchParams(page.location.search).get('server') ?? '');

async function call(): Promise<string> {
  const client = new Client({ name: 'page', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const headers = { authorization: 'Bearer token-of-alice' };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  return JSON.stringify(await client.callTool({ name: 'echo', arguments: {} }));
}

async function refused(): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  return `${answer.status} ${answer.headers.get('www-authenticate')}`;
}

async function report(): Promise<void> {
  const body: PageReport = { call: await call().catch(String), refused: await refused().catch(String) };
  await fetch('/report', { method: 'POST', body: JSON.stringify(body) });
}

void report();
