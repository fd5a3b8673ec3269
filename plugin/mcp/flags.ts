import { type Command, Option } from 'commander';

/** Who to be for the sidecar; {@link CallerFlags} reads them. */
export const addCallerFlags = <T extends Command>(command: T): T =>
  command
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
    ) as T;
