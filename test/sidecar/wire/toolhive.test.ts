/**
 * The examples of ToolHive's page on customizing tools: what an MCPToolConfig says, what we say in its place, and what
 * clients of servers with the tools of its examples see and reach. Where an example filters by names that it has given
 * itself, `allow` has the server's own.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import * as z from 'zod';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { stops } from './proxied.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';
import { startV1Server } from './v1-server.ts';

interface Example {
  readonly title: string;
  readonly server: readonly string[];
  /** In their words. */
  readonly toolConfig: {
    readonly toolsFilter?: readonly string[];
    readonly toolsOverride?: Readonly<Record<string, { name?: string; description?: string }>>;
  };
  /** In ours: the annotation, or the policy file. */
  readonly allowTools?: string[];
  readonly policy?: string;
  /** Name and description of each tool that a client sees, and the tool that its call reaches. */
  readonly seen: Readonly<Record<string, readonly [reaches: string, description?: string]>>;
}

const FILES = ['read_file', 'write_file', 'list_directory', 'move_file', 'delete_file'];
const GITHUB = [
  'create_pull_request',
  'get_pull_request',
  'list_pull_requests',
  'merge_pull_request',
  'create_issue',
  'get_issue',
  'delete_repository',
];
const scoped = (org: string): Example => ({
  title: `names that tell the organization: ${org}`,
  server: GITHUB,
  toolConfig: {
    toolsFilter: [`github_${org}_create_pr`, `github_${org}_get_pr`],
    toolsOverride: {
      create_pull_request: { name: `github_${org}_create_pr` },
      get_pull_request: { name: `github_${org}_get_pr` },
    },
  },
  policy: `version: 1
tools:
  allow: [create_pull_request, get_pull_request]
  overrides:
    - {tool: create_pull_request, name: github_${org}_create_pr}
    - {tool: get_pull_request, name: github_${org}_get_pr}`,
  seen: {
    [`github_${org}_create_pr`]: ['create_pull_request'],
    [`github_${org}_get_pr`]: ['get_pull_request'],
  },
});

const EXAMPLES: readonly Example[] = [
  {
    title: 'no filter, all tools',
    server: ['fetch'],
    toolConfig: { toolsFilter: [] },
    policy: 'version: 1',
    seen: { fetch: ['fetch'] },
  },
  {
    title: 'three tools, by the annotation',
    server: FILES,
    toolConfig: { toolsFilter: ['read_file', 'write_file', 'list_directory'] },
    allowTools: ['read_file', 'write_file', 'list_directory'],
    seen: {
      read_file: ['read_file'],
      write_file: ['write_file'],
      list_directory: ['list_directory'],
    },
  },
  {
    title: 'three tools, by the policy file',
    server: FILES,
    toolConfig: { toolsFilter: ['read_file', 'write_file', 'list_directory'] },
    policy: 'version: 1\ntools: {allow: [read_file, write_file, list_directory]}',
    seen: {
      read_file: ['read_file'],
      write_file: ['write_file'],
      list_directory: ['list_directory'],
    },
  },
  {
    title: 'the name alone, the description alone, and both',
    server: GITHUB,
    toolConfig: {
      toolsFilter: ['github_create_pr', 'get_pull_request', 'github_list_prs', 'github_merge_pr'],
      toolsOverride: {
        create_pull_request: { name: 'github_create_pr' },
        get_pull_request: { description: 'Details of one pull request' },
        list_pull_requests: { name: 'github_list_prs', description: 'Pull requests of a repository' },
        merge_pull_request: { name: 'github_merge_pr', description: 'Merges a pull request' },
      },
    },
    policy: `version: 1
tools:
  allow: ['*_pull_request', list_pull_requests]
  overrides:
    - {tool: create_pull_request, name: github_create_pr}
    - {tool: get_pull_request, description: Details of one pull request}
    - {tool: list_pull_requests, name: github_list_prs, description: Pull requests of a repository}
    - {tool: merge_pull_request, name: github_merge_pr, description: Merges a pull request}`,
    seen: {
      github_create_pr: ['create_pull_request'],
      get_pull_request: ['get_pull_request', 'Details of one pull request'],
      github_list_prs: ['list_pull_requests', 'Pull requests of a repository'],
      github_merge_pr: ['merge_pull_request', 'Merges a pull request'],
    },
  },
  scoped('acme'),
  scoped('foocorp'),
];

/** As ToolHive reads it: names that it gives first, and its filter by those. */
const theirs = ({ server, toolConfig: { toolsFilter = [], toolsOverride = {} } }: Example): string[] =>
  server
    .map((name) => toolsOverride[name]?.name ?? name)
    .filter((name) => toolsFilter.length === 0 || toolsFilter.includes(name));

describe('an example of ToolHive', () => {
  for (const example of EXAMPLES)
    test(`shows the same tools: ${example.title}`, async () => {
      const { server, allowTools, policy, seen } = example;
      const port = await startV1Server((mcp) => {
        for (const name of server)
          mcp.registerTool(
            name,
            { description: `The server's ${name}`, inputSchema: { text: z.string().optional() } },
            ({ text }) => ({ content: [{ type: 'text', text: `${name}: ${text}` }] }),
          );
      });
      const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-toolhive-'));
      stops.push(() => rmSync(directory, { recursive: true }));
      if (policy !== undefined) writeAsKubelet(directory, { 'policy.yaml': policy });
      const sidecar = await startSidecar({
        upstreamPort: port,
        ...(allowTools ? { filter: { mode: 'all', allowTools } } : {}),
        ...(policy === undefined ? {} : { policy: { source: 'configmap/mcp-policy', directory } }),
      });
      stops.push(sidecar.stop);
      await untilHealth(sidecar, 'healthy');
      const client = new Client({ name: 'toolhive', version: '1' });
      await client.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)) as Transport);
      stops.push(() => client.close());
      const { tools } = await client.listTools();
      assert.deepEqual(
        tools.map((each) => [each.name, each.description]),
        Object.entries(seen).map(([name, [reaches, description = `The server's ${reaches}`]]) => [
          name,
          description,
        ]),
      );
      assert.deepEqual(Object.keys(seen), theirs(example));
      for (const [name, [reaches]] of Object.entries(seen)) {
        const { content } = await client.callTool({ name, arguments: { text: 'x' } });
        assert.deepEqual(content, [{ type: 'text', text: `${reaches}: x` }]);
      }
      if (!allowTools && !policy?.includes('tools')) return;
      for (const name of server.filter((each) => !(each in seen)))
        await assert.rejects(client.callTool({ name, arguments: {} }), /Unknown tool/);
    });

  test('of a server’s error names the tool that was called', async () => {
    const port = await startV1Server((mcp) => {
      mcp.registerTool('create_issue', { inputSchema: { title: z.string() } }, () => ({ content: [] }));
    });
    const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-toolhive-'));
    stops.push(() => rmSync(directory, { recursive: true }));
    writeAsKubelet(directory, {
      'policy.yaml': 'version: 1\ntools: {overrides: [{tool: create_issue, name: github_create_issue}]}',
    });
    const sidecar = await startSidecar({
      upstreamPort: port,
      policy: { source: 'configmap/mcp-policy', directory },
    });
    stops.push(sidecar.stop);
    await untilHealth(sidecar, 'healthy');
    const client = new Client({ name: 'toolhive', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)) as Transport);
    stops.push(() => client.close());
    const words = JSON.stringify(
      await client
        .callTool({ name: 'github_create_issue', arguments: {} })
        .catch((error: Error) => error.message),
    );
    assert.match(words, /[Ii]nvalid arguments for tool github_create_issue/);
  });
});
