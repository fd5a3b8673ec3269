import { type Command, Option } from 'commander';
import { type AnnotationKey, ANNOTATIONS } from '../../webhook/annotations.ts';
import type { Deps } from '../deps.ts';
import { annotationsFrom, flagOf } from '../enable/annotation-flags.ts';
import { usageError } from '../errors.ts';
import { collect, type DryRun, dryRunFlag, type GlobalFlags, outputFlag } from '../flags.ts';
import { addCommand, type McpCommand } from '../help.ts';
import { applyObject, describeApplied, resourceName } from '../kube/apply.ts';
import { checkFormat, printObjects } from '../print/object.ts';
import { writeLine } from '../streams.ts';

const FORMATS = ['json', 'yaml', 'name'] as const;
/** Flags that become annotations of the same name; their help is the annotation's own line. */
const ANNOTATION_FLAGS = [
  'transport',
  'path',
  'stdio-sessions',
  'stdio-modern',
  'stdio-env',
  'stdio-idle-seconds',
  'max-stdio-processes',
  'auth',
  'verify',
  'trusted-actors',
  'oidc-issuer',
  'oidc-audience',
  'oidc-required-scopes',
  'oidc-allow-groups',
  'ca-configmap',
  'mtls-ca-secret',
  'mtls-ca-configmap',
  'mtls-allow',
  'token-secret',
  'allow-principals',
  'allow-tools',
  'deny-tools',
  'mode',
  'audit',
  'policy',
  'authorization',
  'tls-secret',
  'public-url',
  'allowed-hosts',
  'allowed-origins',
  'request-timeout',
  'upstream-headers-secret',
  'lockdown',
  'loopback-env',
  'loopback-args',
] as const satisfies readonly AnnotationKey[];

interface CreateServerFlags extends GlobalFlags {
  readonly dryRun: DryRun;
  readonly env?: string[];
  readonly image: string;
  readonly output?: string;
  readonly plainHttp?: boolean;
  readonly port: number;
  readonly replicas: number;
  readonly serviceAccount?: string;
  readonly servicePort: number;
}

/** `create` holds what it can create, as `kubectl create` does. */
export function addCreate(program: Command, deps: Deps): void {
  const create = addCommand(program, {
    usage: 'create',
    short: 'Create an MCP server',
    examples: `
      # Print the manifests of a new MCP server
      kubectl mcp create server weather --image=registry.example.com/weather:1 --port=8080 -o yaml`,
  });
  addCreateServer(create, deps);
}

function addCreateServer(create: McpCommand, deps: Deps): void {
  const command = addCommand(create, {
    usage: 'server NAME --image=image [-- COMMAND [args...]]',
    short: 'Create an annotated Deployment, and what leads to its sidecar alone',
    long: `Create an annotated Deployment, the Service that leads to its sidecar and the NetworkPolicy that closes the server's own port.

With -o the manifests are printed and nothing is created, so that they can go where your manifests live. A Deployment that exists already is better served by "kubectl mcp enable".`,
    examples: `
      # Print the manifests of a server that listens on port 8080
      kubectl mcp create server weather --image=registry.example.com/weather:1 --port=8080 -o yaml

      # Create it, with tools that only read
      kubectl mcp create server weather --image=registry.example.com/weather:1 --port=8080 --mode=read-only

      # A server that speaks stdio; what its image starts is read from the registry
      kubectl mcp create server thinking --image=registry.example.com/thinking:1 --transport=stdio -o yaml

      # Give the container a command and an environment
      kubectl mcp create server everything --image=everything:1 --port=3001 --env=PORT=3001 -- node index.js streamableHttp`,
  })
    .argument('<NAME>')
    .argument('[COMMAND...]')
    .addOption(dryRunFlag())
    .option(
      '--env <name=value>',
      'An environment variable of the container, NAME=VALUE. Can be repeated.',
      collect,
    )
    .requiredOption('--image <image>', "The server's image.")
    .addOption(outputFlag(FORMATS))
    .option('--plain-http', 'If true, ask the registry of an image over http, not https.')
    .option('--port <number>', "The server's own port.", portNumber('--port'), 8080)
    .option('--replicas <number>', 'Number of replicas to create.', wholeNumber('--replicas'), 1)
    .option(
      '--service-account <name>',
      'The service account that the pods run as; without it they carry no token of the API server.',
    )
    .option('--service-port <number>', 'The port of the Service.', portNumber('--service-port'), 80);
  for (const key of ANNOTATION_FLAGS) {
    command.addOption(new Option(`--${flagOf(key)} <value>`, plainWords(ANNOTATIONS[key].doc)));
  }
  command.action(async (name: string, rest: string[], _options, self: Command) => {
    const flags = self.optsWithGlobals<CreateServerFlags>();
    const isPortGiven = self.getOptionValueSource('port') === 'cli';
    await runCreateServer({ name, command: rest, isPortGiven }, flags, deps);
  });
}

const plainWords = (doc: string): string => doc.replaceAll('`', '"');

async function runCreateServer(
  { name, command, isPortGiven }: { name: string; command: string[]; isPortGiven: boolean },
  flags: CreateServerFlags,
  { streams, env, connect, signal }: Deps,
): Promise<void> {
  const format = checkFormat(flags.output, FORMATS);
  const { serverObjects } = await import('../create/server.ts');
  const asked = annotationsFrom(flags, ANNOTATION_FLAGS);
  const isStdio = asked.transport === 'stdio';
  if (isStdio && isPortGiven) {
    throw usageError('--port has no effect with --transport=stdio: such a server listens nowhere');
  }
  const given = {
    ...flags,
    name,
    command,
    env: flags.env ?? [],
    port: isStdio ? undefined : flags.port,
    annotations: asked,
  };
  // What is wrong with the flags is told before a registry is asked.
  if (isStdio) serverObjects(given);
  const found =
    isStdio && command.length === 0
      ? await (
          await import('../create/entry-point.ts')
        ).entryPointAnnotations(flags.image, {
          env,
          plainHttp: flags.plainHttp ?? false,
          signal,
        })
      : {};
  const options = { ...given, annotations: { ...asked, ...found } };
  if (format && format !== 'name') {
    if (asked.authorization === 'kubernetes' && flags.namespace === undefined)
      throw usageError(
        '--authorization=kubernetes needs -n NAMESPACE: the RoleBinding names the service account in it',
      );
    await printObjects(streams, format, serverObjects(options));
    return;
  }
  const cluster = await connect(flags, env);
  for (const object of serverObjects({ ...options, namespace: cluster.namespace })) {
    const applied = await applyObject(cluster, object, { dryRun: flags.dryRun });
    writeLine(
      streams.out,
      format === 'name' ? resourceName(applied.object) : describeApplied(applied, flags.dryRun),
    );
  }
}

const wholeNumber =
  (flag: string, max = 10_000) =>
  (value: string): number => {
    if (/^\d+$/.test(value) && Number(value) <= max) return Number(value);
    throw usageError(`invalid argument "${value}" for "${flag}" flag: expected a whole number up to ${max}`);
  };

const portNumber =
  (flag: string) =>
  (value: string): number => {
    const port = wholeNumber(flag, 65_535)(value);
    if (port > 0) return port;
    throw usageError(`invalid argument "${value}" for "${flag}" flag: a port is a number from 1 to 65535`);
  };
