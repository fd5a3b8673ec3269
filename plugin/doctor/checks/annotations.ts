import { PREFIX } from '../../../webhook/names.ts';
import { faultsOf } from '../../enable/faults.ts';
import { annotationOf, type Workload } from '../../enable/workload.ts';
import { defineCheck } from '../check.ts';
import { asArgument, placed } from '../served.ts';

export const annotationChecks = [
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
        faultsOf(workload).map((fault) => ({
          title: `pods of ${placed(workload)} would be refused`,
          cause: [fault],
          fix: `kubectl edit ${asArgument(workload)}`,
        })),
      ),
  }),
  defineCheck({
    code: 'MCP304',
    category: 'annotations',
    title: 'the Secrets that annotations name are there, with a caller in each',
    severity: 'error',
    about: `The Secret of \`${PREFIX}token-secret\` is missing, and new pods wait for it; or it has no key, and nobody can call.`,
    remedy:
      'Create it: `kubectl create secret generic NAME --from-literal=CALLER=TOKEN`. `kubectl mcp enable --auth token` makes one.',
    needs: ['workloads', 'secrets'],
    run: ({ workloads, secrets }) =>
      workloads.flatMap((workload) => {
        const name = tokenSecretOf(workload);
        if (name === undefined) return [];
        const { namespace } = workload.metadata;
        const keys = secrets[`${namespace}/${name}`];
        if (keys === undefined || (keys !== null && keys.length > 0)) return [];
        const verb = keys === null ? 'does not exist' : 'has no key: nobody can call';
        return [
          {
            title: `Secret ${name} in namespace ${namespace} ${verb}`,
            cause: [`${placed(workload)} names it in ${PREFIX}token-secret`],
            fix: `kubectl create secret generic ${name} -n ${namespace} --from-literal=CALLER=TOKEN`,
          },
        ];
      }),
  }),
];

export const tokenSecretOf = ({ spec }: Workload): string | undefined =>
  annotationOf(spec.template, 'auth') === 'token' ? annotationOf(spec.template, 'token-secret') : undefined;
