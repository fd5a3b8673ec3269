import { type Command, Option } from 'commander';
import { ANNOTATION_KEYS, ANNOTATIONS, type AnnotationKey } from '../../webhook/annotations.ts';
import { tokensSecretName } from '../../webhook/names.ts';
import type { Deps } from '../deps.ts';
import { annotationsFrom, flagOf } from '../enable/annotation-flags.ts';
import { changesOf, type Plan, templateChangeOf } from '../enable/change.ts';
import { isRepointing } from '../enable/endpoints.ts';
import { parseEgress } from '../enable/egress.ts';
import { findCommands } from '../enable/find-command.ts';
import { findPort } from '../enable/find-port.ts';
import { asksApiServer, planEnable } from '../enable/plan.ts';
import { checkIngresses } from '../enable/check-ingresses.ts';
import { checkReviews } from '../enable/check-reviews.ts';
import { checkSources } from '../enable/check-sources.ts';
import { checkInstalled, tryPod } from '../enable/preflight.ts';
import { proxyProblems } from '../enable/proxy-problems.ts';
import { nameOf, readAccessRoles, readSurroundings, readWorkload } from '../enable/read.ts';
import { readEgress } from '../enable/read-egress.ts';
import { checkRunFlags, type RunFlags, runPlan } from '../enable/run.ts';
import { FIRST_CALLER } from '../enable/secrets.ts';
import { parseWorkloadRef } from '../enable/target.ts';
import { annotationOf, objectName, type Workload } from '../enable/workload.ts';
import { dryRunFlag, outputFlag, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import { createProgress } from '../progress.ts';
import { type Streams, writeLine } from '../streams.ts';

interface EnableFlags extends RunFlags {
  readonly egress?: string;
  readonly keepService?: boolean;
  readonly plainHttp?: boolean;
  readonly [annotation: string]: unknown;
}

/** Each annotation is a flag, but those that the command itself writes. */
const FLAG_KEYS: readonly AnnotationKey[] = ANNOTATION_KEYS.filter(
  (key) => !['inject', 'command-image'].includes(key),
);

export function addEnable(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'enable (NAME | KIND/NAME)',
    short: 'Put the MCP proxy in front of a workload',
    long: `Put the MCP proxy in front of a workload: annotate its pod template, wait for the pods, repoint the Services that
reach the server, and close the server's own port to other pods. Flags that stand for annotations stay as they were
where they are not given; an empty value (--deny-tools=) takes the annotation back.

While the pods are replaced, Services reach the server as before; they change when every pod has a ready proxy. What
a failed step leaves is taken back. kubectl mcp disable restores template and Services as they were.`,
    examples: `
      # Enable a deployment; the port is found by asking a running pod
      kubectl mcp enable deployment/everything

      # Hide a tool, and show what would be done without doing it
      kubectl mcp enable deploy/everything --deny-tools get-env --dry-run=client

      # Callers prove themselves with a token from a Secret that is made for them
      kubectl mcp enable deploy/everything --auth token

      # A server that speaks stdio; what its image starts is read from the registry
      kubectl mcp enable deploy/thinking --transport stdio

      # Write the changed objects for a repository instead
      kubectl mcp enable deploy/everything --dry-run=client -o yaml`,
  }).argument('<workload>');
  for (const key of FLAG_KEYS) {
    const { doc, allowed } = ANNOTATIONS[key];
    command.addOption(
      new Option(`--${flagOf(key)} <value>`, `${doc.replaceAll('`', '"')} Value: ${allowed}.`),
    );
  }
  command
    .option(
      '--egress <destinations>',
      'What the pods may reach, as a NetworkPolicy: "none", "any" or a comma list of ADDRESS:PORT, CIDR:PORT and SERVICE.NAMESPACE.svc:PORT. If not given, that stays as it is.',
    )
    .option('--plain-http', 'If true, ask the registry of an image over http, not https.')
    .option('--keep-service', 'If true, leave Services as they are and write no NetworkPolicy.')
    .addOption(dryRunFlag())
    .option(
      '--force',
      'If true, go on although other workloads would be harmed, or objects belong to Helm, Argo CD or Flux.',
    )
    .addOption(outputFlag(['json', 'yaml', 'name']))
    .addOption(timeoutFlag('5m', 'The length of time to wait for the pods before all is taken back.'))
    .action(async (workload: string) => runEnable(workload, command.optsWithGlobals<EnableFlags>(), deps));
}

async function runEnable(target: string, flags: EnableFlags, deps: Deps): Promise<void> {
  const { streams, env, connect, nowMs, signal } = deps;
  const ref = parseWorkloadRef(target);
  const { format } = checkRunFlags(flags);
  const egress = flags.egress === undefined ? undefined : parseEgress(flags.egress);
  const cluster = await connect(flags, env);
  await checkInstalled(cluster);
  const workload = await readWorkload(cluster, ref);
  const asked = annotationsFrom(flags, FLAG_KEYS);
  const around = {
    ...(await readSurroundings(cluster, nameOf(workload, asked.name))),
    accessRoles: await readAccessRoles(cluster, workload, asked),
  };
  const progress = createProgress(streams);
  const note = (text: string): void => progress.note(text);
  const placed = await findPort(cluster, workload, asked, { pods: around.pods, note });
  const { plainHttp = false } = flags;
  const annotations = await findCommands(cluster, workload, placed, { env, plainHttp, signal, note });
  progress.end();
  const plan = planEnable(workload, around, {
    annotations,
    ...(egress && { egress: await readEgress(cluster, egress, asksApiServer(workload, annotations)) }),
    keepService: flags.keepService ?? false,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  });
  const warning = await trial(plan);
  await runPlan(
    { cluster, workload, injected: true, plan: { ...plan, warnings: [...plan.warnings, ...warning] } },
    flags,
    deps,
  );
  if (flags.dryRun !== 'none' || format !== undefined) return;
  const problems = templateChangeOf(plan) ? await proxyProblems(cluster, workload) : [];
  for (const problem of problems) writeLine(streams.err, `Warning: its proxy says: ${problem}`);
  sayNext(plan, workload, streams, problems.length > 0);

  /** Before the first change: what admission would say to a pod of the new template. */
  async function trial(planned: Plan): Promise<string[]> {
    if (flags.dryRun === 'client' || planned.faults.length > 0) return [];
    const warnings = await checkSources(cluster, planned, { around, nowMs: nowMs() });
    const refused = await tryPod(cluster, (templateChangeOf(planned)?.after ?? workload) as Workload);
    const reviews = await checkReviews(cluster, (templateChangeOf(planned)?.after ?? workload) as Workload);
    const hosts = await checkIngresses(cluster, planned, around);
    return [...warnings, ...reviews, ...hosts, ...(refused === undefined ? [] : [refused])];
  }
}

function sayNext(plan: Plan, workload: Workload, { err }: Streams, hasProblems: boolean): void {
  if (changesOf(plan).length === 0) return;
  const { name, namespace } = workload.metadata;
  const tokens = tokensSecretName(nameOf((plan.template?.after ?? workload) as Workload));
  if (plan.before.some((each) => each.after?.metadata?.name === tokens)) {
    writeLine(
      err,
      `The token of caller "${FIRST_CALLER}": kubectl get secret ${tokens} -n ${namespace} -o jsonpath='{.data.${FIRST_CALLER}}' | base64 -d`,
    );
  }
  // A Service leads new connections only: those to new pods that came before it was repointed go on.
  if (plan.after.some(isRepointing)) {
    writeLine(
      err,
      `Connections that callers opened before now are not checked until they end. To end them: kubectl rollout restart ${workload.kind.toLowerCase()}/${name} -n ${namespace}`,
    );
  }
  if (plan.after.some(({ after }) => after?.kind === 'NetworkPolicy')) {
    writeLine(
      err,
      `Whether the network enforces its NetworkPolicy, a dial tells: kubectl mcp doctor ${workload.kind.toLowerCase()}/${name} -n ${namespace} --probe`,
    );
  }
  const { template } = ((plan.template?.after ?? workload) as Workload).spec;
  if (asksForAccess(template) && !asksForAccess(workload.spec.template)) {
    writeLine(
      err,
      `Nobody may call its tools until they are granted: kubectl mcp grant ${name} -n ${namespace} --to sa:NAMESPACE/NAME --tools TOOL`,
    );
  }
  writeLine(
    err,
    hasProblems
      ? `${objectName(workload)} is behind the proxy. See what to do: kubectl mcp doctor ${workload.kind.toLowerCase()}/${name} -n ${namespace}`
      : `${objectName(workload)} is behind the proxy. See its tools: kubectl mcp tools ${name} -n ${namespace}${shownBy(annotationOf(template, 'auth'))}`,
  );
}

const asksForAccess = (template: Workload['spec']['template']): boolean =>
  annotationOf(template, 'authorization') === 'kubernetes';

/** What `kubectl mcp tools` cannot come by itself. */
function shownBy(auth: string | undefined): string {
  const kinds = auth?.split(',').map((each) => each.trim()) ?? [];
  if (kinds.length === 0 || kinds.some((each) => !['oidc', 'mtls'].includes(each))) return '';
  return kinds.includes('oidc')
    ? ' --token-from-file FILE'
    : ' --mcp-client-certificate FILE --mcp-client-key FILE';
}
