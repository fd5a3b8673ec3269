import type { V1Service, V1ServicePort } from '@kubernetes/client-node';
import { PREFIX } from '../../../webhook/names.ts';
import { ORIGINAL_TARGET_PORTS } from '../../enable/services.ts';
import { declaredPorts, listenPorts, type Workload } from '../../enable/workload.ts';
import { owningTool } from '../../kube/owning-tool.ts';
import { defineCheck } from '../check.ts';
import { asArgument, placed, servicesOf } from '../served.ts';

export const lostChecks = [
  defineCheck({
    code: 'MCP411',
    category: 'injection',
    title: 'Services that lead to a proxy lead to enabled workloads',
    severity: 'error',
    about:
      'The template has lost its annotation, as when a repository without it was applied, and the Service still leads to the proxy’s port. New pods have no proxy and nobody listens there: connections are refused, and no caller gets past.',
    remedy:
      'Annotate the template again, in the repository that the workload comes from: `kubectl mcp enable` prints the patch. Or let the Service lead to the server: `kubectl mcp disable`.',
    needs: ['others', 'services'],
    run: ({ others, services }) =>
      others.flatMap((workload) =>
        servicesOf(workload, services)
          .flatMap((service) => lostPorts(service, workload).map((port) => ({ service, port })))
          .map(({ service, port }) => {
            const owner = owningTool(workload) ?? owningTool(service);
            return {
              title: `${placed(service)}: port ${port.port} leads to a proxy that pods of ${placed(workload)} do not have`,
              cause: [
                `the template lacks ${PREFIX}inject: "true", and targetPort is ${port.targetPort}: connections are refused`,
                ...(owner ? [`it belongs to ${owner}, where the annotations have to stand`] : []),
              ],
              fix: `kubectl mcp enable ${asArgument(workload)} with the flags it had, or: kubectl mcp disable ${asArgument(workload)}`,
            };
          }),
      ),
  }),
];

/** Repointed by `enable`, or led to the proxy's usual port by hand; and no container says that it listens there. */
function lostPorts(service: V1Service, { spec: { template } }: Workload): V1ServicePort[] {
  const originals = service.metadata?.annotations?.[ORIGINAL_TARGET_PORTS];
  const isMarked = Object.keys(template.metadata?.annotations ?? {}).some((key) => key.startsWith(PREFIX));
  const declared = declaredPorts(template).map((each) => each.number);
  return (service.spec?.ports ?? []).filter(({ port, targetPort }) => {
    if (typeof targetPort !== 'number' || declared.includes(targetPort)) return false;
    return originals?.includes(`"${port}":`) || (isMarked && listenPorts(template).includes(targetPort));
  });
}
