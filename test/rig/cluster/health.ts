/** Is a daemon well? Asked the way that its own health address is meant to be asked. */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { certificateOf, keyOf } from './certificates.ts';
import type { Component } from './components.ts';
import { NET, NODE_NAME } from './layout.ts';
import type { Layout } from './layout.ts';

const TIMEOUT_MS = 2000;

export type Answer = { status: number; body: string };

export async function isHealthy(layout: Layout, component: Component): Promise<boolean> {
  if (component.health.startsWith('unix:')) return accepts(component.health.slice('unix:'.length));
  return (await ask(layout, component.health)).status === 200;
}

/** The node's Ready condition, as the API server holds it. */
export async function nodeIsReady(layout: Layout): Promise<boolean> {
  const { status, body } = await ask(layout, `${apiUrl}/api/v1/nodes/${NODE_NAME}`);
  if (status !== 200) return false;
  const node = JSON.parse(body) as { status?: { conditions?: { type: string; status: string }[] } };
  return node.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
}

/** Pods are refused until the controller manager has made it. */
export const defaultAccountIsThere = async (layout: Layout): Promise<boolean> =>
  (await ask(layout, `${apiUrl}/api/v1/namespaces/default/serviceaccounts/default`)).status === 200;

const apiUrl = `https://${NET.nodeAddress}:${NET.apiPort}`;

/** Status 0 when nothing answers. */
async function ask(layout: Layout, url: string): Promise<Answer> {
  const credentials = await Promise.all(
    [certificateOf(layout, 'admin'), keyOf(layout, 'admin'), certificateOf(layout, 'ca')].map((file) =>
      readFile(file).catch(() => undefined),
    ),
  );
  const [cert, key, ca] = credentials;
  const isApi = url.startsWith(apiUrl);
  return new Promise((resolve) => {
    const none = (): void => resolve({ status: 0, body: '' });
    // The scheduler and the controller manager sign their own certificates; both listen on loopback alone.
    const tls = isApi ? { cert, key, ca } : { rejectUnauthorized: false };
    const options = { timeout: TIMEOUT_MS, agent: false, ...tls };
    const request = (url.startsWith('https:') ? https : http).get(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', none);
    });
    request.on('error', none).on('timeout', () => request.destroy(new Error('no answer')));
  });
}

export const accepts = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
