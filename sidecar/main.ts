import { readFileSync } from 'node:fs';
import { createLineWriter } from './audit/line-writer.ts';
import { CONFIG_ENV, ConfigError, parseConfig, POD_ENV } from './config.ts';
import { clusterDomainOf } from './edge/host.ts';
import { giveBackMemory } from './give-back-memory.ts';
import { holdTick } from './hold-tick.ts';
import { createLog } from './log.ts';
import { createSidecar } from './sidecar.ts';
import { VERSION } from './version.ts';

const STDOUT = 1;
const STDERR = 2;
/** The kubelet kills after the grace period; what is still under way after the drain gets this much of what is left. */
const CLOSE_TIMEOUT_MS = 5_000;

/** The server's tools are listed by then, as a rule. */
const GIVE_BACK_AFTER_MS = 1_000;

const { env } = process;
const events = createLineWriter(STDERR);
const log = createLog('sidecar', events.write);

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
      clusterDomain: clusterDomainOf(resolvConf()),
      audit: createLineWriter(STDOUT),
      log,
    });
    await sidecar.listen();
    log('started', { version: VERSION });
    holdTick();
    setTimeout(giveBackMemory, GIVE_BACK_AFTER_MS).unref();
    let stopping = false;
    const stop = (signal: string, code = 0): void => {
      if (stopping) return;
      stopping = true;
      log('stopping', { signal });
      void sidecar
        .close(CLOSE_TIMEOUT_MS)
        .then(() => events.flush())
        .then(
          () => process.exit(code),
          (error: unknown) => {
            log('stop_failed', { error: String(error) });
            process.exit(1);
          },
        );
    };
    const caught = (error: unknown): void => {
      // Calls under way have what is left of the grace period; the kubelet starts the container anew.
      if (sidecar.uncaught(error) === 'unsafe') stop('internal_error', 1);
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('uncaughtException', caught);
    process.on('unhandledRejection', caught);
  } catch (error) {
    if (error instanceof ConfigError) process.stderr.write(`error: ${error.message}\n`);
    else log('start_failed', { error: (error as Error).message });
    await events.flush();
    process.exit(1);
  }
}

/** Written by the kubelet; the search list in it holds the cluster's domain. */
function resolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return '';
  }
}
