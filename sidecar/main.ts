import { createLineWriter } from './audit/line-writer.ts';
import { CONFIG_ENV, ConfigError, parseConfig, POD_ENV } from './config.ts';
import { createLog } from './log.ts';
import { createSidecar } from './sidecar.ts';
import { VERSION } from './version.ts';

const STDOUT = 1;
/** The kubelet kills after the grace period; what is still under way after the drain gets this much of what is left. */
const CLOSE_TIMEOUT_MS = 5_000;

const { env } = process;
const log = createLog('sidecar', (line) => process.stderr.write(line));

void start();

/** A function, since the bundle is CommonJS, which knows no await at its top. */
async function start(): Promise<void> {
  try {
    const config = parseConfig(env[CONFIG_ENV]);
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
    const sidecar = await createSidecar(config, {
      pod: {
        name: env[POD_ENV.name] ?? '',
        namespace: env[POD_ENV.namespace] ?? '',
        uid: env[POD_ENV.uid] ?? '',
        node: env[POD_ENV.node] ?? '',
        ip: env[POD_ENV.ip] ?? '',
      },
      ...(host && port ? { apiServer: { host, port: Number(port) } } : {}),
      audit: createLineWriter(STDOUT),
      log,
    });
    await sidecar.listen();
    log('started', { version: VERSION });
    const stop = (signal: string): void => {
      log('stopping', { signal });
      void sidecar.close(CLOSE_TIMEOUT_MS).then(() => process.exit(0));
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  } catch (error) {
    if (error instanceof ConfigError) process.stderr.write(`error: ${error.message}\n`);
    else log('start_failed', { error: (error as Error).message });
    process.exit(1);
  }
}
