/** Finds the server by asking a running pod, through port-forwards. */
import type { V1Pod } from '@kubernetes/client-node';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { forwardPort } from '../kube/port-forward.ts';
import { askMcp, askSse } from './ask-mcp.ts';
import { type Answer, choosePort, givenPort, questionsFor } from './choose-port.ts';
import { hasNamedServers, type WantedAnnotations } from './template.ts';
import { annotationOf, isReady, objectName, selectorMatches, type Workload } from './workload.ts';

const ANSWER_TIMEOUT_MS = 4_000;

export interface FindOptions {
  readonly pods: readonly V1Pod[];
  readonly note: (text: string) => void;
}

/** The wanted annotations, completed by where the server is. Asks nothing that flags or annotations say already. */
export async function findPort(
  cluster: Cluster,
  workload: Workload,
  wanted: WantedAnnotations,
  { pods, note }: FindOptions,
): Promise<WantedAnnotations> {
  if (hasNamedServers(workload.spec.template.metadata?.annotations)) return wanted;
  if ((wanted.transport ?? annotationOf(workload.spec.template, 'transport')) === 'stdio') return wanted;
  const given = givenPort(workload, wanted);
  if (given) return given;
  if (annotationOf(workload.spec.template, 'port') !== undefined) return wanted;
  const questions = questionsFor(workload, wanted);
  const pod = pods.find(
    (each) => isReady(each) && selectorMatches(workload.spec.selector, each.metadata?.labels),
  );
  if (!pod && questions.length > 0) {
    throw new CliError(
      `${objectName(workload)} has no ready pod that could be asked which port speaks MCP\nGive --port to skip the question`,
    );
  }
  const answers: Answer[] = [];
  for (const question of questions) {
    note(`asking pod ${pod!.metadata!.name} at port ${question.port}${question.path}`);
    const forward = await forwardPort(cluster, {
      namespace: workload.metadata.namespace,
      pod: pod!.metadata!.name!,
      port: question.port,
    });
    try {
      const ask = question.transport === 'sse' ? askSse : askMcp;
      answers.push({ ...question, ...(await ask(forward.origin + question.path, ANSWER_TIMEOUT_MS)) });
    } finally {
      await forward.close();
    }
  }
  const { annotations, notes } = choosePort(workload, answers);
  for (const each of notes) note(each);
  return { ...annotations, ...wanted };
}
