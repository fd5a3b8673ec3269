import { type Command, Option } from 'commander';
import type { Deps } from '../deps.ts';
import { flagOf } from '../enable/annotation-flags.ts';
import { outputFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import type { ProxyFlags } from '../proxy/start.ts';
import { describeFlag, FLAG_KEYS, INSTEAD, OF_PODS } from '../proxy/annotations.ts';

export function addProxy(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'proxy (--upstream URL | -- COMMAND [args...])',
    short: 'Run the proxy on this machine, in front of any MCP server',
    long: `Run the proxy on this machine, in front of any MCP server: the same as in a pod, without a cluster. To try a policy
before it is applied, and to run tests against it. It runs until Ctrl-C, which lets the calls under way end.

A server that speaks stdio is given by its command, behind "--": each session has a process of its own, with a home of
its own.

Annotations are flags of the same name. What a pod takes from elsewhere is said by other flags:

${insteadText()}

Files are followed while the proxy runs. What is about a pod is no flag here: ${OF_PODS.join(', ')}; "--auth kubernetes" needs one too.

Audit lines go to stdout, all else to stderr.`,
    examples: `
      # See what a caller may do who only reads
      kubectl mcp proxy --upstream http://127.0.0.1:3001/mcp --mode read-only

      # On another port, or on any that is free, which is printed
      kubectl mcp proxy --listen 127.0.0.1:8080 --upstream http://127.0.0.1:3001/mcp
      kubectl mcp proxy --listen 127.0.0.1:0 --upstream http://127.0.0.1:3001/mcp -o json --audit none

      # Ask callers for a token, hide a tool, and keep the audit log
      echo "alice=$(openssl rand -hex 16)" > tokens.txt
      kubectl mcp proxy --upstream http://127.0.0.1:3001/mcp --auth token --auth-token-file tokens.txt --deny-tools get-env --audit file:audit.log

      # Take access tokens of an OpenID provider
      kubectl mcp proxy --upstream http://127.0.0.1:3001/mcp --auth oidc --oidc-issuer http://localhost:8080/realms/main --oidc-audience everything

      # Try a policy file; a change is taken when it is saved
      kubectl mcp proxy --upstream http://127.0.0.1:3001/mcp --policy-file policy.yaml

      # Serve a server that speaks stdio to many clients
      kubectl mcp proxy -- npx -y @modelcontextprotocol/server-memory
      kubectl mcp proxy --stdio-modern shared --stdio-env 'HOME=/home/me' -- uvx mcp-server-git

      # Run a document of the sidecar's own in front of a server on this machine
      kubectl mcp proxy --config sidecar.json --upstream http://127.0.0.1:3001/mcp --auth none`,
  })
    .argument('[COMMAND...]')
    .option(
      '--listen <address>',
      'ADDRESS:PORT that clients reach the proxy at; port 0 is a free one. Default: 127.0.0.1:7410. An address that other machines reach needs --auth token or --insecure.',
    )
    .option(
      '--upstream <url>',
      'The MCP server, http://HOST:PORT/PATH or https://HOST/PATH; without a path, /mcp.',
    )
    .option(
      '--config <file>',
      'The configuration of a sidecar (docs/sidecar-config.schema.json) in JSON or YAML, or - for stdin. Flags of annotations may not stand beside it, but for --auth, --audit and --admin-port.',
    )
    .option('--insecure', 'If true, anyone may call at an address that other machines reach.')
    .option(
      '--auth-token-file <file>',
      'The tokens of "--auth token": a line NAME=TOKEN for each caller, one token alone, or a directory with a file for each, as a Secret has it.',
    )
    .option(
      '--oidc-introspection-file <file>',
      'With "--auth oidc": lines client_id=… and client_secret=… to ask the provider about tokens that are no JWTs, or a directory with a file for each.',
    )
    .option(
      '--client-ca-file <file>',
      'With "--auth mtls": the authorities that client certificates must be of, in PEM.',
    )
    .option('--policy-file <file>', 'The policy, as the key policy.yaml of a ConfigMap holds it.')
    .option('--pins-file <file>', 'The pins of the tools, as the key pins.json of a ConfigMap holds them.')
    .option('--tls-cert-file <file>', 'The certificate for TLS, in PEM.')
    .option('--tls-private-key-file <file>', 'The key of the certificate, in PEM.')
    .option(
      '--upstream-headers-file <file>',
      'Headers that are added to each request to the server: a line "Name: value" for each, or a directory with a file for each.',
    )
    .option(
      '--upstream-token-file <file>',
      'With "--upstream-token-url": lines client_id=… and client_secret=… of the proxy at the token endpoint, or a directory with a file for each.',
    )
    .option(
      '--outbound-certificate-authority <file>',
      'Path to a cert file for further authorities of identity providers and token endpoints.',
    )
    .option(
      '--upstream-certificate-authority <file>',
      'With https: path to a cert file for the certificate authority of the MCP server. Default: those of this machine.',
    )
    .option(
      '--upstream-insecure-skip-tls-verify',
      "With https: if true, the MCP server's certificate will not be checked for validity. For tests.",
    )
    .option('--grace-period <seconds>', 'How long calls under way may take when the proxy stops.', '30')
    .addOption(outputFlag(['json']));
  for (const key of FLAG_KEYS) command.addOption(new Option(`--${flagOf(key)} <value>`, describeFlag(key)));
  command.action(async (words: string[]) => {
    // The sidecar and all it stands on.
    const { startProxy } = await import('../proxy/start.ts');
    await startProxy({ ...command.optsWithGlobals<ProxyFlags>(), command: words }, deps);
  });
}

const insteadText = (): string =>
  Object.entries(Object.groupBy(Object.entries(INSTEAD), ([, flag]) => flag))
    .map(([flag, keys]) => `- ${flag} for ${keys!.map(([key]) => key).join(' and ')}`)
    .join('\n');
