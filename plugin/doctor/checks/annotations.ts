import { writtenKey } from '../../../webhook/request.ts';
import { PREFIX } from '../../../webhook/names.ts';
import { faultsOf, refusalsOf } from '../../enable/faults.ts';
import { parseAnnotations } from '../../../webhook/parse-annotations.ts';
import { misplaced } from '../../../webhook/misplaced.ts';
import type { Refusal } from '../../../webhook/refusals.ts';
import { missingVolumes } from '../../../webhook/warnings.ts';
import { defineCheck } from '../check.ts';
import { asArgument, placed, podsOf } from '../served.ts';
import { findingsOf } from '../source-findings.ts';

/** It has a check of its own, with a command that mends it. */
const isNotCommand = ({ reason }: Refusal): boolean => reason !== 'CommandMissing';

export const annotationChecks = [
  defineCheck({
    code: 'MCP302',
    category: 'annotations',
    title: 'annotations stand on pod templates, not on the workloads themselves',
    severity: 'warning',
    about:
      'Only annotations of the pod template reach pods. On the Deployment they do nothing: without others on its template, its pods run without the proxy.',
    remedy:
      'The command of the finding moves them. While the webhook is there, such annotations are refused when they are written.',
    needs: ['others'],
    uses: ['workloads'],
    run: ({ workloads = [], others }) =>
      [...workloads, ...others].flatMap((workload) =>
        misplaced({ object: workload, old: workload }).warnings.map((text) => {
          const [cause = '', fix] = text.split(':\n');
          return {
            title: `${placed(workload)} has annotations that do nothing`,
            cause: [cause],
            fix: fix?.trim() ?? `kubectl edit ${asArgument(workload)}`,
          };
        }),
      ),
  }),
  defineCheck({
    code: 'MCP303',
    category: 'annotations',
    title: 'the webhook would accept the annotations of enabled workloads',
    severity: 'error',
    about:
      'A key is misspelt, a value is outside its grammar, has no effect, or does not fit the pod. The webhook refuses such pods: the workload keeps its old ones, or has none.',
    remedy:
      'The message names the annotation, its value and what is allowed. Annotations belong on the pod template.',
    needs: ['workloads'],
    run: ({ workloads }) =>
      workloads.flatMap((workload) =>
        faultsOf(workload, refusalsOf(workload).filter(isNotCommand)).map((fault) => ({
          title: `pods of ${placed(workload)} would be refused`,
          cause: [fault],
          fix: `kubectl edit ${asArgument(workload)}`,
        })),
      ),
  }),
  defineCheck({
    code: 'MCP304',
    category: 'annotations',
    title: 'the Secrets that annotations name are there, and can be used',
    severity: 'error',
    about: `The Secret of \`${PREFIX}token-secret\`, \`tls-secret\`, \`upstream-headers-secret\` or \`upstream-ca-secret\` is missing, and new pods wait for it; or what it holds cannot be used (no key, an empty or unreadable token, a header that is the proxy's): then nobody can call.`,
    remedy:
      'Create or mend it with the command of the finding; values are never shown. `kubectl mcp enable --auth token` makes a Secret with tokens.',
    needs: ['workloads', 'secrets'],
    uses: ['services'],
    run: (seen, context) => findingsOf(seen, context, ['missing', 'content'], 'Secret'),
  }),
  defineCheck({
    code: 'MCP308',
    category: 'annotations',
    title: 'what servers of stdio start is written down',
    severity: 'error',
    about: `With \`${PREFIX}transport: stdio\` neither the container nor \`${PREFIX}command\` says what is to be started: its image alone knows, which the webhook does not read. It refuses such pods.`,
    remedy:
      '`kubectl mcp enable KIND/NAME --transport stdio` reads it from the registry and writes it down. Or write `command` into the container.',
    needs: ['workloads'],
    run: ({ workloads }) =>
      workloads.flatMap((workload) =>
        refusalsOf(workload)
          .filter((each) => !isNotCommand(each))
          .map(({ annotation, message }) => ({
            title: `pods of ${placed(workload)} would be refused: nothing says what they start`,
            cause: [`${annotation} ${message}`],
            fix: `kubectl mcp enable ${asArgument(workload)} --transport stdio`,
          })),
      ),
  }),
  defineCheck({
    code: 'MCP310',
    category: 'annotations',
    title: 'the volumes that annotations name are in the pods',
    severity: 'error',
    about: `\`${PREFIX}token-volume\` or \`upstream-headers-volume\` names a volume that neither the pod template has nor another webhook adds. The API server refuses such pods.`,
    remedy:
      'Add the volume to the pod template, or mend the annotation. A volume that an injector (like that of Vault) adds need not be in the template.',
    needs: ['workloads', 'pods'],
    run: ({ workloads, pods }) =>
      workloads.flatMap((workload) => {
        const { template } = workload.spec;
        const parsed = parseAnnotations(template.metadata?.annotations);
        if ('refusals' in parsed) return [];
        const added = podsOf(workload, pods).flatMap((each) => each.spec?.volumes ?? []);
        const volumes = [...(template.spec?.volumes ?? []), ...added];
        return parsed.servers.flatMap((request) =>
          missingVolumes({ containers: [], volumes }, request).map(({ key, volume, there }) => ({
            title: `pods of ${placed(workload)} have no volume "${volume}"`,
            cause: [`${PREFIX}${writtenKey(request, key)} names it; they have: ${there}`],
            fix: `kubectl edit ${asArgument(workload)}`,
          })),
        );
      }),
  }),
];
