import type { V1Pod } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from '../../../webhook/names.ts';
import { hasSidecar, isLive } from '../../enable/workload.ts';
import { defineCheck } from '../check.ts';
import { podKey, podName, sidecarStatus, stateOf } from '../served.ts';

const MANY_RESTARTS = 3;
const PULL_REASONS = ['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull'];
/** Waiting that ends by itself. */
const STARTING = ['ContainerCreating', 'PodInitializing'];

export const sidecarChecks = [
  defineCheck({
    code: 'MCP501',
    category: 'sidecar',
    title: 'the proxies run',
    severity: 'error',
    about:
      'The container `mcp-proxy` ends again and again, or cannot be started. As a native sidecar it holds up the whole pod.',
    remedy:
      'Read its last words: `kubectl logs POD -c mcp-proxy --previous`. A wrong configuration is told there, a line per fault.',
    needs: ['pods'],
    run: ({ pods }) =>
      injected(pods).flatMap((pod) => {
        const status = sidecarStatus(pod);
        const reason = status?.state?.waiting?.reason ?? (status?.state?.terminated && 'terminated');
        if (!reason || STARTING.includes(reason) || PULL_REASONS.includes(reason)) return [];
        const message = status?.state?.waiting?.message ?? status?.state?.terminated?.message;
        const last = status?.lastState?.terminated?.message;
        return [
          {
            title: `${podName(pod)}: container ${SIDECAR_CONTAINER} ${stateOf(status)}`,
            cause: [message, last].flatMap((each) => (each ? [each.trim()] : [])),
            fix: `kubectl logs ${pod.metadata?.name} -n ${pod.metadata?.namespace} -c ${SIDECAR_CONTAINER} --previous`,
          },
        ];
      }),
  }),
  defineCheck({
    code: 'MCP502',
    category: 'sidecar',
    title: 'the image of the proxy can be pulled',
    severity: 'error',
    about: 'The node cannot get the image of the proxy: a wrong name, no network, or no credentials.',
    remedy:
      'Make the image reachable from the nodes, or give `kubectl mcp install` the name under which it is.',
    needs: ['pods'],
    run: ({ pods }) =>
      injected(pods).flatMap((pod) => {
        const waiting = sidecarStatus(pod)?.state?.waiting;
        if (!waiting?.reason || !PULL_REASONS.includes(waiting.reason)) return [];
        return [
          {
            title: `${podName(pod)}: image of container ${SIDECAR_CONTAINER}: ${waiting.reason}`,
            cause: [waiting.message ?? sidecarStatus(pod)!.image],
            fix: 'kubectl mcp install with the image that the nodes can pull, then restart the workload',
          },
        ];
      }),
  }),
  defineCheck({
    code: 'MCP504',
    category: 'sidecar',
    title: `no proxy has restarted more than ${MANY_RESTARTS} times`,
    severity: 'warning',
    about: 'The proxy runs now, but has ended several times; calls in flight were cut each time.',
    remedy:
      'Exit code 137 with OOMKilled means: more memory for the container `mcp-proxy`. Else read `kubectl logs POD -c mcp-proxy --previous`.',
    needs: ['pods'],
    run: ({ pods }) =>
      injected(pods).flatMap((pod) => {
        const status = sidecarStatus(pod);
        if (!status?.state?.running || status.restartCount <= MANY_RESTARTS) return [];
        return [
          {
            title: `${podName(pod)}: container ${SIDECAR_CONTAINER} ${stateOf(status)}`,
            fix: `kubectl logs ${pod.metadata?.name} -n ${pod.metadata?.namespace} -c ${SIDECAR_CONTAINER} --previous`,
          },
        ];
      }),
  }),
  defineCheck({
    code: 'MCP505',
    category: 'sidecar',
    title: 'the proxies tell of their health',
    severity: 'error',
    about: 'The proxy runs, but its admin port did not answer through a port-forward.',
    remedy: 'If it repeats, read its log: `kubectl logs POD -c mcp-proxy`.',
    needs: ['pods', 'health'],
    run: ({ pods, health }) =>
      injected(pods).flatMap((pod) => {
        const read = health[podKey(pod)];
        if (!read || !('fault' in read)) return [];
        return [
          {
            title: `${podName(pod)}: container ${SIDECAR_CONTAINER} does not tell of its health`,
            cause: [read.fault],
            fix: `kubectl logs ${pod.metadata?.name} -n ${pod.metadata?.namespace} -c ${SIDECAR_CONTAINER}`,
          },
        ];
      }),
  }),
];

const injected = (pods: readonly V1Pod[]): V1Pod[] => pods.filter((pod) => isLive(pod) && hasSidecar(pod));
