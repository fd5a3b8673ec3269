import { type Command, Option } from 'commander';
import type { Deps } from '../deps.ts';
import { collect, type DoctorScope } from '../doctor/collect.ts';
import { dialServers } from '../doctor/dial.ts';
import { formatTable, FORMATS, toJson } from '../doctor/print.ts';
import { CHECKS } from '../doctor/registry.ts';
import { type Result, runChecks, summarize } from '../doctor/run.ts';
import type { Snapshot } from '../doctor/snapshot.ts';
import { parseWorkloadRef } from '../enable/target.ts';
import { CliError, exitWith, usageError } from '../errors.ts';
import { allNamespacesFlag, type GlobalFlags, outputFlag, parseDurationMs, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import { toCliError } from '../kube/errors.ts';
import { checkFormat, formatJson } from '../print/object.ts';
import { createProgress } from '../progress.ts';

/** 0: no errors. */
export const DOCTOR_EXIT = { errorsFound: 1, couldNotRun: 2 } as const;

interface DoctorFlags extends GlobalFlags {
  readonly allNamespaces?: boolean;
  readonly output?: string;
  readonly probe?: boolean;
  readonly probeNamespace?: string;
  readonly timeout: string;
}

export function addDoctor(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'doctor [KIND/NAME]',
    short: 'Say what is wrong with the installation and the enabled workloads',
    long: `Say what is wrong with the installation and the enabled workloads, why, and what mends it. Nothing is changed.

With --probe, a pod is started for a moment that dials the servers' own ports from the network, past the proxy, and is
deleted again. Without it nobody knows whether the proxy can be passed by.

Exit code 0: no errors were found. 1: errors were found. 2: it could not run.`,
    examples: `
      # Check the installation and the enabled workloads of the current namespace
      kubectl mcp doctor

      # One workload, its bypass included
      kubectl mcp doctor deployment/everything --probe

      # All namespaces, for a program
      kubectl mcp doctor -A -o json`,
  }).argument('[workload]');
  command
    .addOption(allNamespacesFlag())
    .addOption(outputFlag(FORMATS))
    .option('--probe', "If true, dial the servers' own ports from a short-lived pod.")
    .addOption(
      new Option('--probe-namespace <name>', "The namespace of that pod; by default the workload's own."),
    )
    .addOption(timeoutFlag('60s', 'The length of time for all of it; what is not known by then is skipped.'))
    .action(async (workload: string | undefined) => {
      const flags = command.optsWithGlobals<DoctorFlags>();
      const results = await examine(workload, flags, deps).catch((error: unknown) => {
        throw couldNotRun(error);
      });
      const { failed, passed, warnings } = summarize(results);
      if (failed > 0) throw exitWith(DOCTOR_EXIT.errorsFound);
      if (passed + warnings === 0) throw exitWith(DOCTOR_EXIT.couldNotRun);
    });
}

async function examine(target: string | undefined, flags: DoctorFlags, deps: Deps): Promise<Result[]> {
  const { streams, env, connect, nowMs } = deps;
  const format = checkFormat(flags.output, FORMATS) ?? 'table';
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const workload = target === undefined ? undefined : workloadOf(target, flags);
  const cluster = await connect(flags, env);
  const scope: DoctorScope = {
    ...(!flags.allNamespaces && { namespace: cluster.namespace }),
    ...(workload && { workload }),
  };
  const progress = createProgress(streams);
  const over = AbortSignal.timeout(timeoutMs);
  const options = {
    nowMs: nowMs(),
    signal: AbortSignal.any([deps.signal, over]),
    update: (text: string) => progress.update(text),
  };
  try {
    const seen = await collect(cluster, scope, options);
    const dials = flags.probe
      ? await dialServers(cluster, seen, {
          ...options,
          ...(flags.probeNamespace !== undefined && { namespace: flags.probeNamespace }),
        })
      : { unknown: 'nobody has dialled; give --probe' };
    if (deps.signal.aborted) throw new CliError('interrupted');
    progress.end();
    const results = runChecks(CHECKS, { ...seen, dials } as Snapshot);
    streams.out.write(
      format === 'json' ? formatJson(toJson(results)) : formatTable(results, format === 'short'),
    );
    return results;
  } catch (error) {
    progress.end();
    throw toCliError(error, cluster.server);
  }
}

function workloadOf(target: string, flags: DoctorFlags): NonNullable<DoctorScope['workload']> {
  if (flags.allNamespaces) throw usageError('a workload cannot be named together with --all-namespaces');
  return parseWorkloadRef(target);
}

function couldNotRun(error: unknown): CliError {
  const { message, bare, usage, cause } = toCliError(error);
  return new CliError(message, { exitCode: DOCTOR_EXIT.couldNotRun, bare, usage, cause });
}
