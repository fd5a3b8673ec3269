/** kubectl of the rig, against the rig's cluster. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../webhook/names.ts';
import { layoutOf } from '../rig/cluster/layout.ts';

const { kubectl: program, kubeconfig } = layoutOf(process.env);

/** A reason to skip, or false: the cluster is started by `npm run cluster -- up`. */
export const noCluster: string | false =
  existsSync(kubeconfig) && existsSync(program) ? false : 'no cluster: npm run cluster -- up';

/** Returns stdout; throws with stderr. */
export function kubectl(args: string[], { input = '' }: { input?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      ['--kubeconfig', kubeconfig, ...args],
      { maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`kubectl ${args.join(' ')}: ${stderr || error.message}`));
        else resolve(stdout);
      },
    );
    child.stdin?.end(input);
  });
}

/** The installed webhook runs as its Deployment says. */
export async function webhookRolledOut(): Promise<void> {
  await kubectl([
    '-n',
    INSTALL_NAMESPACE,
    'rollout',
    'status',
    `deployment/${WEBHOOK_NAME}`,
    '--timeout=120s',
  ]);
}
