import { Option, type Command } from 'commander';
import type { V1Role, V1RoleBinding } from '@kubernetes/client-node';
import { ACCESS_VERBS } from '../../sidecar/access/attributes.ts';
import { notAdmitted } from '../access/admitted.ts';
import { findServer, notAsked, type ServerFlags } from '../access/server.ts';
import {
  EVERYTHING,
  grantName,
  planGrant,
  planRevoke,
  type Grants,
  type GrantRequest,
} from '../access/role.ts';
import { bindingSubject } from '../access/subject.ts';
import type { Deps } from '../deps.ts';
import type { Change } from '../enable/change.ts';
import { objectName } from '../enable/workload.ts';
import { CliError, usageError } from '../errors.ts';
import { collect, dryRunFlag, outputFlag, type DryRun, type GlobalFlags } from '../flags.ts';
import { addCommand } from '../help.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound, toCliError } from '../kube/errors.ts';
import { checkFormat, printObjects } from '../print/object.ts';
import { writeLine } from '../streams.ts';

const FORMATS = ['json', 'yaml', 'name'] as const;

interface GrantFlags extends GlobalFlags, ServerFlags {
  readonly to?: string[];
  readonly tools?: string[];
  readonly prompts?: string[];
  readonly resources?: string[];
  readonly all?: boolean;
  readonly revoke?: boolean;
  readonly dryRun: DryRun;
  readonly output?: string;
}

export function addGrant(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'grant [SERVER] --to CALLER (--tools NAMES | --all)',
    short: 'Let a caller use tools of a server with "authorization: kubernetes"',
    long: `Let a caller use tools of a server with "authorization: kubernetes": write a Role with their names and a RoleBinding for the caller, or add to those that are there. Without SERVER it is the only one of the namespace.

CALLER is sa:NAMESPACE/NAME, user:NAME or group:NAME, the latter as the proxy calls them: user:oidc:alice, group:oidc:devs, user:token:ci. Whoever grants needs the rights that are granted, as RBAC demands of everybody.`,
    examples: `
      # Two tools for a service account
      kubectl mcp grant everything --to sa:agents/planner --tools echo,get-sum

      # All that a server has and will have, for a group of an identity provider
      kubectl mcp grant deploy/everything --to group:oidc:devs --all

      # The objects, for a repository
      kubectl mcp grant everything --to sa:agents/planner --tools echo --dry-run=client -o yaml

      # Take a tool away again; with --all, everything
      kubectl mcp grant everything --to sa:agents/planner --tools echo --revoke`,
  }).argument('[SERVER]');
  command
    .addOption(
      new Option('--to <caller>', 'sa:NAMESPACE/NAME, user:NAME or group:NAME. Can be repeated.').argParser(
        collect,
      ),
    )
    .addOption(names('tools', 'tools that may be called'))
    .addOption(names('prompts', 'prompts that may be had'))
    .addOption(names('resources', 'resources that may be read: their URIs'))
    .option('--all', 'If true, all tools, prompts and resources of the server.')
    .option('--revoke', 'If true, take this away instead.')
    .option('--mcp-server <name>', 'Of several servers in one pod: which one.')
    .addOption(dryRunFlag())
    .addOption(outputFlag(FORMATS))
    .action(async (server: string | undefined, _options, self: Command) =>
      runGrant(server, self.optsWithGlobals<GrantFlags>(), deps),
    );
}

const names = (flag: string, what: string): Option =>
  new Option(
    `--${flag} <names>`,
    `Names of ${what}, as a comma list; "*" is all of them. Can be repeated.`,
  ).argParser(collect);

async function runGrant(argument: string | undefined, flags: GrantFlags, deps: Deps): Promise<void> {
  const { out, err } = deps.streams;
  const format = checkFormat(flags.output, FORMATS);
  const grants = grantsIn(flags);
  if (!flags.to) throw usageError('must specify --to sa:NAMESPACE/NAME, --to user:NAME or --to group:NAME');
  const callers = flags.to.map(bindingSubject);
  const cluster = await deps.connect(flags, deps.env);
  const found = await findServer(cluster, argument, flags);
  const { server, namespace } = found;
  const after: Change[] = [];
  for (const to of callers) {
    const request = { namespace, server, to, grants };
    for (const text of flags.revoke ? [] : [notAsked(found), notAdmitted(found, to)])
      if (text !== undefined) writeLine(err, `Warning: ${text}`);
    const changes = await plan(cluster, request, flags);
    after.push(...changes);
    for (const each of changes) {
      if (flags.dryRun !== 'client') await apply(cluster, each, flags.dryRun);
      const name = objectName((each.after ?? each.before)!);
      const dry = flags.dryRun === 'none' ? '' : ` (${flags.dryRun === 'client' ? '' : 'server '}dry run)`;
      if (format === 'name') writeLine(out, name);
      else if (format === undefined) writeLine(out, `${name} ${each.done}${dry}`);
    }
    if (changes.length === 0 && format === undefined)
      writeLine(out, `role.rbac.authorization.k8s.io/${grantName(server, to)} unchanged`);
  }
  if (format === 'json' || format === 'yaml') {
    const { withoutBookkeeping } = await import('../enable/apply-change.ts');
    await printObjects(
      deps.streams,
      format,
      after.flatMap((each) => (each.after ? [withoutBookkeeping(each.after)] : [])),
    );
  }
}

async function plan(cluster: Cluster, request: GrantRequest, { revoke }: GrantFlags): Promise<Change[]> {
  const name = grantName(request.server, request.to);
  const [role, binding] = await Promise.all(['Role', 'RoleBinding'].map((kind) => read(cluster, kind, name)));
  const there = { role: role as V1Role | undefined, binding: binding as V1RoleBinding | undefined };
  return revoke ? planRevoke(request, there) : planGrant(request, there);
}

async function read(cluster: Cluster, kind: string, name: string): Promise<unknown> {
  const metadata = { name, namespace: cluster.namespace };
  try {
    return JSON.parse(
      JSON.stringify(
        await cluster.objects.read({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata }),
      ),
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function apply(cluster: Cluster, change: Change, dryRun: 'none' | 'server'): Promise<void> {
  const { applyChange } = await import('../enable/apply-change.ts');
  try {
    await applyChange(cluster, change, dryRun);
  } catch (error) {
    if (!isForbidden(error) || !/attempting to grant RBAC permissions/.test((error as Error).message))
      throw error;
    const { message } = toCliError(error, cluster.server);
    throw new CliError(
      `${message}\nNobody can grant what they may not do themselves: ask who is bound to ClusterRole cluster-admin, or may "escalate" roles`,
      { bare: true, cause: error },
    );
  }
}

/** @throws {CliError} */
function grantsIn({ tools, prompts, resources, all }: GrantFlags): Grants {
  const asked = {
    [ACCESS_VERBS.tool]: tools,
    [ACCESS_VERBS.prompt]: prompts,
    [ACCESS_VERBS.resource]: resources,
  };
  const named = Object.entries(asked).flatMap(([verb, texts]) => {
    const wanted = (texts ?? []).flatMap((text) => text.split(',')).filter(Boolean);
    if (wanted.length === 0) return [];
    const glob = wanted.find((name) => name !== '*' && verb !== ACCESS_VERBS.resource && /[*?]/.test(name));
    if (glob !== undefined)
      throw usageError(
        `"${glob}": Roles know names, no patterns. Grant all with "*" and put the pattern into the policy of the server`,
      );
    return [[verb, wanted.includes('*') ? ('all' as const) : wanted] as const];
  });
  if (all && named.length > 0)
    throw usageError('--all is everything: --tools, --prompts and --resources say less');
  if (!all && named.length === 0)
    throw usageError('must specify --tools NAMES, --prompts NAMES, --resources URIS or --all');
  return all ? EVERYTHING : Object.fromEntries(named);
}
