import type { V1ConfigMap } from '@kubernetes/client-node';
import type { Command } from 'commander';
import { flaggedIn, visible } from '../../sidecar/filter/hidden-characters.ts';
import type { Deps } from '../deps.ts';
import { readWorkload } from '../enable/read.ts';
import { checkRunFlags, type RunFlags, runPlan } from '../enable/run.ts';
import { parseWorkloadRef } from '../enable/target.ts';
import { CliError, EXIT, exitWith, usageError } from '../errors.ts';
import { dryRunFlag, outputFlag, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import { findTarget, type TargetFlags } from '../kube/target.ts';
import { configMapOf, storedIn, type StoredPins } from '../pin/config-map.ts';
import { type Difference, differenceLines, differenceOf } from '../pin/difference.ts';
import { pinsName, planPin } from '../pin/plan.ts';
import { type FoundServer, readServer, shortName } from '../pin/read-server.ts';
import { readPinsMap } from '../pin/stored.ts';
import { tellFlagged } from '../pin/tell-flagged.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { confirm } from '../prompt.ts';
import { type Streams, writeLine } from '../streams.ts';

interface PinFlags extends RunFlags, TargetFlags {
  readonly check?: boolean;
  readonly approve?: boolean;
  readonly yes?: boolean;
}

export function addPin(program: Command, deps: Deps): void {
  addCommand(program, {
    usage: 'pin NAME',
    short: 'Pin the tools of an MCP server as they are now, or show how they differ',
    long: `Pin the tools of an MCP server as they are now: their names, titles, descriptions, schemas and annotations, with the image of the server. A tool that is defined otherwise afterwards is neither listed nor called until it is approved.

The pins are kept in the ConfigMap NAME-mcp-pins, which the annotation "pins" of the pod template names; pods are renewed when it is set for the first time. --check changes nothing and ends with exit code 1 where a tool differs; --approve shows what differs, asks, and pins the tools as they are.`,
    examples: `
      # Pin what the server has
      kubectl mcp pin deploy/weather

      # In CI: has anything changed?
      kubectl mcp pin deploy/weather --check

      # After an update of the image: look at what differs, and approve it
      kubectl mcp pin deploy/weather --approve

      # The ConfigMap for a repository
      kubectl mcp pin deploy/weather --dry-run=client -o yaml`,
  })
    .argument('<NAME>')
    .option('--check', 'If true, show how the tools differ from their pins; change nothing.')
    .option('--approve', 'If true, pin tools that differ from their pins as they are now.')
    .option('-y, --yes', 'If true, do not ask before tools are approved.')
    .option('--mcp-server <name>', 'Of several servers in one pod: which one.')
    .addOption(dryRunFlag())
    .option('--force', 'If true, go on although objects belong to Helm, Argo CD or Flux.')
    .addOption(outputFlag(['json', 'yaml', 'name']))
    .addOption(timeoutFlag('5m', 'The length of time to wait for the server, and for renewed pods.'))
    .action(async (name: string, _options, self: Command) =>
      runPin(name, self.optsWithGlobals<PinFlags>(), deps),
    );
}

const READ_TIMEOUT_MS = 30_000;

async function runPin(argument: string, flags: PinFlags, deps: Deps): Promise<void> {
  if (flags.check && flags.approve) throw usageError('--check and --approve cannot be used together');
  const { timeoutMs } = checkRunFlags(flags);
  const { streams } = deps;
  const cluster = await deps.connect(flags, deps.env);
  const target = await findTarget(cluster, argument, flags);
  const workload = await readWorkload(cluster, parseWorkloadRef(target.title.split(' ')[0]!));
  const server = shortName(target);
  const found = await readServer(cluster, target, Math.min(timeoutMs, READ_TIMEOUT_MS));
  const { name } = pinsName(workload, server);
  const before = await readPinsMap(cluster, name);
  const stored = before && storedOf(before);
  const { title, namespace } = target;
  const shown = { title, again: `kubectl mcp pin ${title} -n ${namespace}` };
  if (flags.check) return check(shown, found, stored, { flags, streams });
  const difference = stored && differenceOf(found, stored);
  if (difference && difference.drift.length > 0) await approve(shown, difference, flags, streams);
  warn(found, streams);
  const after = configMapOf(found, { name, namespace, instance: workload.metadata.name });
  const isNew = difference === undefined || difference.drift.length > 0 || flags.approve === true;
  const plan = planPin({ workload, server, before, after, details: detailsOf(found) });
  // What is pinned as it is stays as it is, the image that was approved too.
  await runPlan(
    { cluster, workload, injected: true, plan: isNew ? plan : { ...plan, before: [] } },
    flags,
    deps,
  );
}

/** @throws {CliError} for pins that cannot be read: approving over them would hide what they were */
function storedOf(map: V1ConfigMap): StoredPins {
  const stored = storedIn(map);
  if (!('faults' in stored)) return stored;
  const { name, namespace } = map.metadata!;
  throw new CliError(
    `configmap/${name} holds no pins:\n${stored.faults.map((fault) => `  ${fault}`).join('\n')}\nTo pin anew: kubectl delete configmap ${name} -n ${namespace}`,
  );
}

interface Shown {
  readonly title: string;
  /** The command that reads the same server. */
  readonly again: string;
}

async function check(
  { title, again }: Shown,
  found: FoundServer,
  stored: StoredPins | undefined,
  { flags, streams }: { flags: PinFlags; streams: Streams },
): Promise<void> {
  const format = checkFormat(flags.output, ['json', 'yaml'] as const);
  if (!stored) throw new CliError(`the tools of ${title} are not pinned\nPin them: ${again}`);
  const difference = differenceOf(found, stored);
  const { drift, sameImage, image } = difference;
  const flagged = flaggedIn(found.tools);
  const report = { pod: found.pod, ...difference, flagged };
  if (format === 'json') streams.out.write(formatJson(report));
  else if (format === 'yaml') streams.out.write(await formatYaml(report));
  else {
    for (const line of differenceLines(title, difference)) writeLine(streams.out, line);
    if (drift.length === 0)
      writeLine(streams.out, `${title}: ${found.definitions.size} tools are as they are pinned`);
    if (drift.length === 0 && sameImage === false)
      writeLine(
        streams.err,
        `They were pinned of image ${image.pinned}, and ${image.found} runs. To note that: ${again} --approve`,
      );
    tellFlagged(flagged, streams);
  }
  if (drift.length > 0) throw exitWith(EXIT.error);
}

/** @throws {CliError} unless it is approved */
async function approve(
  { title, again }: Shown,
  difference: Difference,
  flags: PinFlags,
  streams: Streams,
): Promise<void> {
  const isAsked = flags.approve === true && flags.dryRun === 'none' && flags.yes !== true;
  const out = flags.output === undefined ? streams.out : streams.err;
  for (const line of differenceLines(title, difference)) writeLine(out, line);
  if (flags.approve !== true)
    throw new CliError(
      `tools of ${title} differ from their pins; nothing was changed\nTo pin them as they are now: ${again} --approve`,
    );
  if (isAsked && !(await confirm(streams, 'Pin them as they are now?')))
    throw new CliError('nothing was changed\nTo approve without being asked: --yes');
}

/** @throws {CliError} for tools that nobody can vouch for */
function warn({ tools, definitions }: FoundServer, streams: Streams): void {
  const unsure = [...definitions].filter(([, each]) => each === undefined).map(([name]) => name);
  if (unsure.length > 0)
    writeLine(
      streams.err,
      `Warning: not pinned, and so blocked, for clients may read what defines them in more than one way: ${unsure.map(visible).join(', ')}`,
    );
  tellFlagged(flaggedIn(tools), streams);
}

const detailsOf = ({ definitions, image, digest }: FoundServer): string[] => [
  `${definitions.size} ${definitions.size === 1 ? 'tool' : 'tools'} pinned`,
  ...(image === undefined ? [] : [`image: ${image}`]),
  ...(digest === undefined || image?.includes(digest) ? [] : [`digest: ${digest}`]),
];
