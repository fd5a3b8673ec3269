import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import type { GlobalFlags } from '../flags.ts';
import { addCommand } from '../help.ts';
import { formatYaml } from '../print/object.ts';
import type { Streams } from '../streams.ts';

interface UninjectFlags extends GlobalFlags {
  readonly filename: string;
}

export function addUninject(program: Command, { streams }: Deps): void {
  addCommand(program, {
    usage: 'uninject -f FILENAME',
    short: 'Print manifests without the sidecar',
    long: `Print manifests without the sidecar, as they were before kubectl mcp inject. Needs no cluster.

The annotations stay: while they do, the webhook of a cluster injects the pods again. What Services and NetworkPolicies lead to the sidecar is not changed; kubectl mcp disable does that in a cluster. Of a container mcp-proxy of your own, its resources and the timings of its probes are left.`,
    examples: `
      # Take the sidecar out of manifests that were injected before
      kubectl mcp uninject -f deployment.yaml

      # Inject with another version
      kubectl mcp uninject -f deployment.yaml | kubectl mcp inject -f -`,
  })
    .requiredOption('-f, --filename <file>', 'The file with the manifests, or - for stdin.')
    .action(async (_options, command: Command) =>
      runUninject(command.optsWithGlobals<UninjectFlags>(), streams),
    );
}

async function runUninject({ filename }: UninjectFlags, streams: Streams): Promise<void> {
  const { readManifests } = await import('../create/manifests.ts');
  const { uninjectObject } = await import('../create/inject.ts');
  const objects = await readManifests(filename, streams);
  streams.out.write(await formatYaml(...objects.map(uninjectObject)));
}
