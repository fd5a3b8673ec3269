import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import { noHeadersFlag, outputFlag, timeoutFlag } from '../flags.ts';
import { addCommand, type McpCommand } from '../help.ts';
import {
  LIST_FORMATS,
  type ListFlags,
  MADE_FORMATS,
  type MakeFlags,
  type RevokeFlags,
  type RotateFlags,
} from '../token/flags.ts';
import { DEFAULT_LIFETIME } from '../token/lifetime.ts';

/** `token` holds what is done with the tokens of `auth: token`. */
export function addToken(program: Command, deps: Deps): void {
  const token = addCommand(program, {
    usage: 'token',
    short: 'Make, list, replace and take away tokens of callers',
    long: `Make, list, replace and take away the tokens of callers, for servers with "auth: token".

The Secret of the server holds the digest of each token and when it ends, not the token: who reads the Secret cannot call.`,
    examples: `
      # A token for a caller, good for 90 days
      kubectl mcp token create deploy/everything planner`,
  });
  addCreate(token, deps);
  addList(token, deps);
  addRotate(token, deps);
  addRevoke(token, deps);
}

const run = async () => import('../token/run.ts');

function addCreate(token: McpCommand, deps: Deps): void {
  const command = addCommand(token, {
    usage: 'create NAME CALLER',
    short: 'Make a token for a new caller',
    long: `Make a token for a new caller of an MCP server, and print it. It is shown this once; the Secret of the server gets its digest.

NAME is the workload; CALLER is whom policies and audit lines then call token:CALLER.`,
    examples: `
      # Into a variable
      TOKEN=$(kubectl mcp token create deploy/everything planner)

      # With a note of whom it is for, until the end of the year
      kubectl mcp token create everything ci --for "nightly build of team A" --expires-at 2027-01-01

      # Into a Secret where its caller runs
      kubectl mcp token create everything planner | kubectl create secret generic planner-token -n agents --from-file=token=/dev/stdin`,
  })
    .argument('<NAME>')
    .argument('<CALLER>');
  addWaitFlags(addMakeFlags(command, `Default: ${DEFAULT_LIFETIME}.`)).action(
    async (name: string, caller: string, _options, self: Command) =>
      (await run()).runCreate({ name, caller }, self.optsWithGlobals<MakeFlags>(), deps),
  );
}

function addList(token: McpCommand, deps: Deps): void {
  addServerFlag(
    addCommand(token, {
      usage: 'list NAME',
      short: 'List the tokens of callers, without the tokens',
      examples: `
      # Who may call, and until when
      kubectl mcp token list deploy/everything`,
    }).argument('<NAME>'),
  )
    .addOption(noHeadersFlag())
    .addOption(outputFlag(LIST_FORMATS))
    .action(async (name: string, _options, self: Command) =>
      (await run()).runList(name, self.optsWithGlobals<ListFlags>(), deps),
    );
}

function addRotate(token: McpCommand, deps: Deps): void {
  const command = addCommand(token, {
    usage: 'rotate NAME CALLER',
    short: 'Give a caller a new token in place of the one that it has',
    long: `Give a caller a new token in place of the one that it has, and print it. The old one is good for the overlap, so that the caller can change over; sessions and the caller's name stay as they are.`,
    examples: `
      # The old token is good for an hour
      kubectl mcp token rotate deploy/everything planner

      # At once, because it has leaked
      kubectl mcp token rotate everything planner --overlap 0s`,
  })
    .argument('<NAME>')
    .argument('<CALLER>');
  addWaitFlags(
    addMakeFlags(command, 'Default: as long as the one before.').option(
      '--overlap <duration>',
      'How long the old token is good besides the new one, like 1h or 7d; 0s takes it away.',
      '1h',
    ),
  ).action(async (name: string, caller: string, _options, self: Command) =>
    (await run()).runRotate({ name, caller }, self.optsWithGlobals<RotateFlags>(), deps),
  );
}

function addRevoke(token: McpCommand, deps: Deps): void {
  const command = addCommand(token, {
    usage: 'revoke NAME CALLER...',
    short: 'Take tokens away, and wait until every pod refuses them',
    long: `Take the tokens of callers away, and wait until every pod refuses them. Open streams of the callers end; calls that are under way get their answer.

Exit code 1 means that not every pod has told that it refuses them; those that have not are named.`,
    examples: `
      # Return when no pod takes it any more
      kubectl mcp token revoke deploy/everything planner

      # Of a caller with two tokens, the older one
      kubectl mcp token revoke everything planner --id 3f9a01bc`,
  })
    .argument('<NAME>')
    .argument('<CALLER...>')
    .option('--id <id>', 'One token of the caller, as "kubectl mcp token list" names it.');
  addWaitFlags(command).action(async (name: string, callers: string[], _options, self: Command) =>
    (await run()).runRevoke({ name, callers }, self.optsWithGlobals<RevokeFlags>(), deps),
  );
}

const addServerFlag = <T extends Command>(command: T): T =>
  command.option('--mcp-server <name>', 'Of several servers in one pod: which one.') as T;

const addMakeFlags = <T extends Command>(command: T, otherwise: string): T =>
  command
    .option('--expires-at <time>', 'When it ends, like 2027-01-31 or 2027-01-31T12:00:00Z.')
    .option('--expires-in <duration>', `How long it is good, like 90d or 12h, or "never". ${otherwise}`)
    .option('--for <text>', 'Whom or what it is for, in your words; "kubectl mcp token list" shows it.')
    .addOption(outputFlag(MADE_FORMATS)) as T;

const addWaitFlags = <T extends Command>(command: T): T =>
  addServerFlag(command)
    .addOption(timeoutFlag('2m', 'The length of time to wait for the pods to take the change.'))
    .option('--no-wait', 'If true, wait for every pod to take the change before returning.') as T;
