import { type Command, Option } from 'commander';

/** Which server, who to be for its sidecar, and by what to know it: TargetFlags, {@link CallerFlags}, {@link TrustFlags}. */
export const addCallerFlags = <T extends Command>(command: T): T =>
  command
    .addOption(
      new Option(
        '--mcp-server <name>',
        'Of several servers in one pod: which one, by the name that its annotations give it.',
      ),
    )
    .addOption(
      new Option(
        '--as-serviceaccount <account>',
        'With auth kubernetes: the service account to call as, [NAMESPACE/]NAME. A token of it is minted for this workload alone. Default: "default" of the workload\'s namespace.',
      ),
    )
    .addOption(
      new Option(
        '--token-from-secret <key>',
        "With auth token: the key of the workload's token Secret to call as. Default: its first key.",
      ),
    )
    .addOption(
      new Option(
        '--token-from-file <file>',
        'Path to a file with the token to call with, of whatever caller.',
      ),
    )
    .addOption(
      new Option(
        '--mcp-client-certificate <file>',
        'With auth mtls: path to the certificate to call with, in PEM, followed by those that lead to its authority.',
      ),
    )
    .addOption(
      new Option('--mcp-client-key <file>', 'With auth mtls: path to the key of that certificate, in PEM.'),
    )
    .addOption(
      new Option(
        '--mcp-certificate-authority <file>',
        "With TLS: path to a cert file for the certificate authority of the MCP server. Default: what the workload's tls-secret holds.",
      ),
    )
    .addOption(
      new Option(
        '--mcp-insecure-skip-tls-verify',
        "With TLS: if true, the MCP server's certificate will not be checked for validity.",
      ),
    ) as T;
