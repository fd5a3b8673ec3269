/** `npm run demo [-- --keep]`: a Deployment that knows nothing of us becomes an MCP server and is itself again. */
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { DEFAULT_LISTEN_PORT } from '../../sidecar/config.ts';
import { audienceOf } from '../../webhook/names.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { PLUGIN, prepare } from '../rig/prepare.ts';
import { INITIALIZE, MANIFEST, NAMESPACE, toolCall } from './manifests.ts';
import { expect, heading, run, say, show, type Ran } from './screen.ts';

const { values: options } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const { kubectl: kubectlPath, kubeconfig } = layoutOf(process.env);
const env = { ...process.env, KUBECONFIG: kubeconfig };
const started = Date.now();

const words = (text: string): string[] => text.split(' ');
const kubectl = (args: string, more: { quiet?: boolean; lines?: number } = {}): Promise<Ran> =>
  run(`kubectl ${args}`, [kubectlPath, ...words(args)], { env, ...more });
const mcp = (args: string, more: { quiet?: boolean; lines?: number } = {}): Promise<Ran> =>
  run(`kubectl mcp ${args} -n ${NAMESPACE}`, [process.execPath, PLUGIN, ...words(args), '-n', NAMESPACE], {
    env,
    ...more,
  });

await main().catch(async (error: Error) => {
  console.error(`\nerror: ${error.message}`);
  console.error(`See what is left with: kubectl --kubeconfig ${kubeconfig} get all -n ${NAMESPACE}`);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  heading('A cluster, our image, and a server that we did not write');
  prepare(['everything']);
  await kubectl(`delete namespace ${NAMESPACE} --ignore-not-found`, { quiet: true });
  await mustRun(run('kubectl mcp install', [process.execPath, PLUGIN, 'install'], { env }));
  await mustRun(applyManifest());
  await mustRun(kubectl(`rollout status deployment/everything -n ${NAMESPACE} --timeout=120s`));
  const before = await objects();
  const service = `http://${before.service.clusterIP}/mcp`;

  heading('Anyone who reaches the Service can call it');
  const open = await post(service);
  expect('an anonymous caller is let in (200)', open.startsWith('200'));

  heading('One command, which writes the annotations');
  await mcp('enable deploy/everything --deny-tools get-env --dry-run=client');
  await mustRun(mcp('enable deploy/everything --deny-tools get-env', { lines: 40 }));
  await kubectl(
    `get deployment everything -n ${NAMESPACE} -o jsonpath={.spec.template.metadata.annotations}`,
  );

  heading('The same address now wants to know who calls');
  const closed = await post(service);
  expect('an anonymous caller gets 401', closed.startsWith('401'));
  const tools = await mustRun(mcp('tools everything'));
  expect('a service account with a token for this workload sees the tools', tools.stdout.includes('echo'));
  const called = await mustRun(mcp('call everything echo --arg message=hello'));
  expect('and calls them', called.stdout.includes('hello'));

  heading('A denied tool is gone: from the list, and as if it did not exist');
  expect('get-env is not in the list', !tools.stdout.includes('get-env'));
  await mcp('call everything get-env');
  const audience = audienceOf('everything', NAMESPACE);
  const token = await mustRun(
    kubectl(`create token default -n ${NAMESPACE} --audience=${audience}`, { lines: 0 }),
  );
  const denied = await post(service, { body: toolCall('get-env'), token: token.stdout.trim() });
  const unknown = await post(service, { body: toolCall('no-such-tool'), token: token.stdout.trim() });
  expect(
    'to the server it never comes: both calls get the same answer',
    denied.includes('-32602') &&
      denied.replaceAll('get-env', 'X') === unknown.replaceAll('no-such-tool', 'X'),
  );

  heading('Who called what, as one JSON line per call');
  const pods = await kubectl(`get pods -n ${NAMESPACE} -l app=everything -o json`, { quiet: true });
  // The pod of before may still be ending; it has no sidecar.
  const pod = JSON.parse(pods.stdout).items.find((each: V1Pod) => !each.metadata?.deletionTimestamp).metadata
    .name;
  const { stdout: log } = await kubectl(`logs ${pod} -c mcp-proxy -n ${NAMESPACE}`, { lines: 0 });
  const audit = log.split('\n').filter((line) => line.includes('"mcp_tool_call"'));
  show(audit.slice(0, 2).join('\n'));
  expect(
    'the audit names the caller',
    audit.some((line) => line.includes(`system:serviceaccount:${NAMESPACE}:default`)),
  );
  expect(
    'and the denial',
    audit.some((line) => line.includes('"denied"') && line.includes('get-env')),
  );

  heading('What is there, and what is wrong with it');
  await mcp('list');
  const healthy = await mcp('doctor --probe', { lines: 60 });
  expect('doctor finds no error', healthy.code === 0);
  expect(
    'and states the bypass that is left: this network enforces no policy',
    healthy.stdout.includes('MCP609'),
  );

  heading('The server dies');
  await killServer(pod);
  const { stdout: podIp } = await kubectl(`get pod ${pod} -n ${NAMESPACE} -o jsonpath={.status.podIP}`, {
    quiet: true,
  });
  const health = `http://${podIp}:${DEFAULT_LISTEN_PORT}/health`;
  const degraded = await run(`curl ${health}`, ['curl', '-sS', health]);
  expect('the proxy says that it is degraded', degraded.stdout.includes('degraded'));
  const sick = await mcp('doctor', { lines: 60 });
  expect('doctor names it', sick.code === 1 && sick.stdout.includes('MCP601'));
  const restarts = await kubectl(
    `get pods -n ${NAMESPACE} -l app=everything -o jsonpath={.items[*].status.initContainerStatuses[?(@.name=="mcp-proxy")].restartCount}`,
    { quiet: true },
  );
  expect('the sidecar was not restarted', restarts.stdout.trim() === '0');

  heading('Take it away, and everything is as it was');
  await kubectl(`rollout status deployment/everything -n ${NAMESPACE} --timeout=120s`, { quiet: true });
  if (!options.keep) {
    await mustRun(mcp('disable deploy/everything', { lines: 40 }));
    const after = await objects();
    expect('the pod template is what it was', isDeepStrictEqual(after.template, before.template));
    expect('the Service is what it was', isDeepStrictEqual(after.service, before.service));
    await kubectl(`delete namespace ${NAMESPACE} --wait=false`, { quiet: true });
  } else say('left up: kubectl mcp disable deploy/everything would do it');
  console.log(
    `\nDone in ${Math.round((Date.now() - started) / 1000)} s. To try it yourself (npm run demo -- --keep leaves the server up):\n`,
  );
  console.log(`  export KUBECONFIG=${kubeconfig} PATH="$PWD/dist/bin:$PATH"`);
  for (const command of [
    'list -A',
    `tools everything -n ${NAMESPACE}`,
    `call everything echo --arg message=hi -n ${NAMESPACE}`,
    'doctor -A --probe',
  ])
    console.log(`  kubectl mcp ${command}`);
  console.log('  npm run cluster -- down');
}

async function mustRun(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.code !== 0)
    throw new Error(`the command ended with ${ran.code}: ${ran.stderr.trim().split('\n').at(-1)}`);
  return ran;
}

async function applyManifest(): Promise<Ran> {
  const child = run(
    'kubectl apply -f everything.yaml',
    ['sh', '-c', 'printf %s "$MANIFEST" | "$0" apply -f -', kubectlPath],
    { env: { ...env, MANIFEST } },
  );
  return child;
}

async function objects() {
  const [deployment, service] = [await getJson('deployment'), await getJson('service')];
  return { template: deployment.spec.template, service: service.spec };
}

async function getJson(kind: string) {
  const { stdout } = await kubectl(`get ${kind} everything -n ${NAMESPACE} -o json`, { quiet: true });
  return JSON.parse(stdout);
}

/** Status and body of the answer to one POST, anonymous unless a token is given. */
async function post(
  url: string,
  { body = INITIALIZE, token }: { body?: string; token?: string } = {},
): Promise<string> {
  const typed = body.length > 100 ? `${body.slice(0, 54)}…}` : body;
  const { stdout } = await run(
    `curl -X POST ${url}${token ? ' -H "Authorization: Bearer $TOKEN"' : ''} -d '${typed}'`,
    [
      'curl',
      // The kubelet calls a pod ready that has no probe and has only just started.
      ...words('-sS --retry 20 --retry-connrefused --retry-delay 1 --max-time 10'),
      ...words('-X POST -w \\n%{http_code} -H content-type:application/json'),
      ...words('-H accept:application/json,text/event-stream'),
      ...(token ? ['-H', `authorization: Bearer ${token}`] : []),
      '-d',
      body,
      url,
    ],
    { lines: 0 },
  );
  const lines = stdout.trim().split('\n');
  const answer = `${lines.at(-1)} ${lines.slice(0, -1).join(' ')}`;
  show(answer.slice(0, 160));
  return answer;
}

/** Ends the server's process until the kubelet waits before it starts it again: after the first end it does not. */
async function killServer(pod: string): Promise<void> {
  const kill = 'process.kill(1,"SIGINT")';
  const exec = `exec -n ${NAMESPACE} ${pod} -c everything -- node -e`;
  for (let tries = 0; tries < 40; tries++) {
    await run(`kubectl ${exec} '${kill}'`, [kubectlPath, ...words(exec), kill], { env, quiet: tries > 0 });
    await delay(1_000);
    const { stdout } = await kubectl(`get pod ${pod} -n ${NAMESPACE} -o json`, { quiet: true });
    const [server] = (JSON.parse(stdout) as V1Pod).status?.containerStatuses ?? [];
    const { restartCount = 0, state } = server ?? {};
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    if (reason !== undefined && restartCount > 0)
      return say(`the kubelet waits before it starts it again: ${reason}, restarts ${restartCount}`);
  }
  throw new Error('the server would not die');
}
