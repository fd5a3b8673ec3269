import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import type { GlobalFlags } from '../flags.ts';
import { addCommand } from '../help.ts';
import { formatYaml } from '../print/object.ts';
import { type Streams, writeLine } from '../streams.ts';
import { DEFAULT_IMAGE } from '../version.ts';

interface InjectFlags extends GlobalFlags {
  readonly filename: string;
  readonly image: string;
}

export function addInject(program: Command, { streams }: Deps): void {
  addCommand(program, {
    usage: 'inject -f FILENAME',
    short: 'Print manifests with the sidecar that the webhook would inject',
    long: `Print manifests with the sidecar that the webhook would inject. Needs no cluster: the decision is the webhook's own.

Objects without annotations of ours come out as they are. What the webhook would refuse is an error that names each object, the annotation and the mend, so the command also serves as a check before a commit.`,
    examples: `
      # See what becomes of a Deployment
      kubectl mcp inject -f deployment.yaml

      # Check manifests in a pipeline
      kustomize build . | kubectl mcp inject -f - > /dev/null`,
  })
    .requiredOption('-f, --filename <file>', 'The file with the manifests, or - for stdin.')
    .option('--image <image>', 'The image of the sidecar.', DEFAULT_IMAGE)
    .action(async (_options, command: Command) => runInject(command.optsWithGlobals<InjectFlags>(), streams));
}

async function runInject(flags: InjectFlags, streams: Streams): Promise<void> {
  const { readManifests } = await import('../create/manifests.ts');
  const { injectObjects } = await import('../create/inject.ts');
  const objects = await readManifests(flags.filename, streams);
  const results = injectObjects(objects, { image: flags.image, namespace: flags.namespace ?? 'default' });
  for (const warning of results.flatMap((each) => each.warnings))
    writeLine(streams.err, `Warning: ${warning}`);
  streams.out.write(await formatYaml(...results.map((each) => each.object)));
}
