import type { LineWriter } from '../audit/line-writer.ts';
import { policyRecord } from '../audit/policy-record.ts';
import type { PodFacts } from '../audit/record.ts';
import type { ServerConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { RevisionState } from '../mounted/watch-revision.ts';
import type { Pass } from '../passes.ts';
import type { DecideTool } from './decide-tool.ts';
import { governing } from './governing.ts';
import { compilePolicy, type Policy } from './policy.ts';
import { createPolicyGate } from './policy-gate.ts';
import type { ReadPolicy } from './read-policy.ts';

/** Which tools callers may use: what the annotations say, and the policy file, which may change. */
export interface ToolRules {
  /** In force at the moment; undefined: everything is the server's affair. */
  inForce(): Policy | undefined;
  /** Of it, what is the same for all callers; undefined: every tool is the server's affair. */
  decide(): DecideTool | undefined;
  /** Whether there can ever be a rule. */
  readonly any: boolean;
  /** Stands behind authentication: nobody learns without a token whether there is a policy. */
  readonly gates: readonly Pass[];
  /** Absent where no policy file is configured. */
  readonly policy?: PolicyStatus;
  close(): void;
}

export interface PolicyStatus {
  revision(): string | undefined;
  /** What is wrong with the file as it is now. */
  problem(): string | undefined;
  /** Files taken, and files refused, since the start. */
  reloads(): { readonly taken: number; readonly refused: number };
}

export async function createToolRules(
  server: ServerConfig,
  { log, audit, pod }: { log: Log; audit: LineWriter; pod: PodFacts },
): Promise<ToolRules> {
  const compile: typeof compilePolicy = (...given) =>
    server.authorization ? governing(compilePolicy(...given)) : compilePolicy(...given);
  const byAnnotation = compile(server.filter);
  const { policy: config } = server;
  if (!config)
    return {
      inForce: () => byAnnotation,
      decide: () => byAnnotation?.tool,
      any: byAnnotation !== undefined,
      gates: [],
      close: () => undefined,
    };
  let inForce = byAnnotation;
  let before: string | undefined;
  const reloads = { taken: 0, refused: 0 };

  function changed({ revision, faults, read }: RevisionState<ReadPolicy>): void {
    const taken = faults.length === 0;
    reloads[taken ? 'taken' : 'refused']++;
    if (taken && read) inForce = compile(server.filter, read.policy, read.rules);
    log(taken ? 'policy_loaded' : 'policy_refused', {
      server: server.name,
      source: config?.source,
      revision,
      ...(taken ? { before } : { faults }),
    });
    if (server.audit === 'stdout')
      audit.write(policyRecord({ server, pod, revision, before, faults, date: new Date() }));
    before = revision;
  }

  // YAML takes memory, in every pod: loaded only where it is read.
  const [{ policyFile }, { watchRevision }] = await Promise.all([
    import('./policy-file.ts'),
    import('../mounted/watch-revision.ts'),
  ]);
  const { revision, problem, close } = await watchRevision(config, policyFile, changed);
  return {
    inForce: () => inForce,
    decide: () => inForce?.tool,
    any: true,
    gates: [createPolicyGate(revision)],
    policy: { revision, problem, reloads: () => reloads },
    close,
  };
}
