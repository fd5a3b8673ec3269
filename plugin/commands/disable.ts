import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import { nameOf, readAccessRoles, readSurroundings, readWorkload } from '../enable/read.ts';
import { checkRunFlags, type RunFlags, runPlan } from '../enable/run.ts';
import { parseWorkloadRef } from '../enable/target.ts';
import { planDisable } from '../enable/undo.ts';
import { dryRunFlag, outputFlag, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';

export function addDisable(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'disable (NAME | KIND/NAME)',
    short: 'Take the MCP proxy away from a workload',
    long: `Take the MCP proxy away from a workload: restore its pod template and the Services as enable found them, and delete
the NetworkPolicy, the Secrets and the Role that enable made, tokens that were added to them included.

Services go back first, then the pods are replaced: no caller meets a closed port. From then on nobody checks them.`,
    examples: `
      # Restore a deployment
      kubectl mcp disable deployment/everything

      # Show what would be done without doing it
      kubectl mcp disable deploy/everything --dry-run=client`,
  }).argument('<workload>');
  command
    .addOption(dryRunFlag())
    .option(
      '--force',
      'If true, go on although other workloads would be harmed, or objects belong to Helm, Argo CD or Flux.',
    )
    .addOption(outputFlag(['json', 'yaml', 'name']))
    .addOption(timeoutFlag('5m', 'The length of time to wait for the pods before all is taken back.'))
    .action(async (workload: string) => runDisable(workload, command.optsWithGlobals<RunFlags>(), deps));
}

async function runDisable(target: string, flags: RunFlags, deps: Deps): Promise<void> {
  const ref = parseWorkloadRef(target);
  checkRunFlags(flags);
  const cluster = await deps.connect(flags, deps.env);
  const workload = await readWorkload(cluster, ref);
  const around = {
    ...(await readSurroundings(cluster, nameOf(workload))),
    accessRoles: await readAccessRoles(cluster, workload),
  };
  const plan = planDisable(workload, around);
  await runPlan({ cluster, workload, plan, injected: false }, flags, deps);
}
