/**
 * The whole way, with state: the real sidecar between clients that come and go and a server that breaks the rules. A
 * client gets bytes of its own exchange alone, each exchange ends once, and what is kept afterwards is sound.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { startSidecar, untilHealth, type TestSidecar } from '../../sidecar/wire/start-sidecar.ts';
import { programOf } from '../engine/program.ts';
import type { Random } from '../engine/random.ts';
import { Finding, hold, type Target } from '../engine/target.ts';
import { createClient, type Call, type Client } from '../path/client.ts';
import { KINDS, startHostileServer, type HostileServer, type Kind } from '../path/hostile-server.ts';

const STEPS = ['send', 'send', 'send', 'send', 'abort', 'release', 'turns', 'settle', 'stray'] as const;
/** Of clients, in their order. */
const CALLERS = ['alice', 'alice', 'bob', 'bob'];
const CLIENTS = CALLERS.length;
const PADDINGS = [1, 1, 1, 10, 20_000];
const STRAY_TURNS = 2_000;
/**
 * Longer than anything may take here. Counted in looks and not in time, for on a busy machine this process, which is
 * the sidecar's too, may not run for long.
 */
const PATIENCE_LOOKS = 4_000;

interface World {
  readonly server: HostileServer;
  readonly sidecar: TestSidecar;
  readonly clients: Client[];
  readonly directory: string;
}

let world: World | undefined;
let tags = 0;

export const path: Target = {
  name: 'path',
  covers: [
    'sidecar/upstream/http-pool.ts',
    'sidecar/upstream/http-response.ts',
    'sidecar/downstream/client-reply.ts',
    'sidecar/downstream/mcp-handler.ts',
  ],
  maxBytes: 96,
  share: 3,
  dictionary: [],
  generate: (random: Random) => random.bytes(6 + random.int(60)),
  describe(bytes) {
    const told: string[] = [];
    read(bytes, (step) => void told.push(step));
    return `${bytes.toString('hex')}\n  ${told.join('\n  ')}`;
  },
  async run(bytes) {
    try {
      await execute((world ??= await begin()), bytes);
    } catch (error) {
      // What is left of it may be in any state.
      await end();
      throw error;
    }
  },
  start: async () => {
    world ??= await begin();
    return end;
  },
};

async function begin(): Promise<World> {
  const server = await startHostileServer();
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-fuzz-'));
  for (const caller of CALLERS) writeFileSync(join(directory, caller), `token-of-${caller}`);
  try {
    const sidecar = await startSidecar({
      upstreamPort: server.port,
      auth: { mode: 'token', source: 'secret/mcp-tokens', directory },
    });
    await untilHealth(sidecar, 'healthy');
    const clients = CALLERS.map((caller) => createClient(sidecar.listenPort, `token-of-${caller}`));
    return { server, sidecar, clients, directory };
  } catch (error) {
    await server.stop();
    rmSync(directory, { recursive: true });
    throw error;
  }
}

async function end(): Promise<void> {
  const old = world;
  world = undefined;
  for (const client of old?.clients ?? []) client.abort();
  await Promise.all([old?.server.stop(), old?.sidecar.stop()]);
  if (old) rmSync(old.directory, { recursive: true });
}

type Step =
  | {
      readonly step: 'send';
      readonly client: number;
      readonly kind: Kind;
      readonly form: number;
      readonly padding: number;
      readonly slow: boolean;
    }
  | { readonly step: 'abort'; readonly client: number }
  | { readonly step: 'turns'; readonly count: number }
  | { readonly step: 'release' | 'settle' | 'stray' };

function read(bytes: Buffer, tell: (step: string) => void): Step[] {
  const program = programOf(bytes);
  const steps: Step[] = [];
  while (!program.ended) {
    const step = program.pick(STEPS);
    if (step === 'send') {
      const [client, kind, form] = [program.int(CLIENTS), program.pick(KINDS), program.int(256)];
      steps.push({
        step,
        client,
        kind,
        form,
        padding: PADDINGS[form % PADDINGS.length]!,
        slow: form % 7 === 0,
      });
    } else if (step === 'abort') steps.push({ step, client: program.int(CLIENTS) });
    else if (step === 'turns') steps.push({ step, count: 1 + program.int(8) });
    else steps.push({ step });
    tell(JSON.stringify(steps.at(-1)));
  }
  return steps;
}

async function execute({ server, sidecar, clients }: World, bytes: Buffer): Promise<void> {
  const calls: (Call & { client: number })[] = [];
  const before = sidecar.audit.length;
  const steps = read(bytes, () => undefined);
  const disturbed = new Set(
    steps.flatMap((each) =>
      each.step === 'send' && each.kind === 'twice, late' ? CALLERS[each.client]! : [],
    ),
  );
  const check = (): void => {
    for (const { faults } of [server, ...clients]) if (faults.length > 0) throw faults.splice(0)[0]!;
  };
  const send = (client: number, kind: Kind, form: number, padding: number, slow: boolean): void => {
    if (clients[client]!.busy) return;
    const plan = {
      tag: `<N${++tags}>`,
      kind,
      form,
      caller: CALLERS[client]!,
      disturbed: disturbed.has(CALLERS[client]!),
      left: false,
    };
    server.plan(plan);
    calls.push({ ...clients[client]!.send(plan, { padding, slow }), client });
  };
  const settle = async (): Promise<void> => {
    const left = calls.filter(({ plan }) => plan.left);
    await until('the server is not told that its client has gone', () =>
      left.every(({ plan }) => !server.underWay(plan.tag)),
    );
    let pending = calls.length;
    for (const { ended } of calls) void ended.then(() => pending--);
    await until('an exchange that does not end', () => {
      server.release();
      check();
      return pending === 0;
    });
  };

  for (const each of steps) {
    if (each.step === 'send') send(each.client, each.kind, each.form, each.padding, each.slow);
    else if (each.step === 'abort') {
      const last = calls.findLast(({ client }) => client === each.client);
      if (last && clients[each.client]!.busy) last.plan.left = true;
      clients[each.client]!.abort();
    } else if (each.step === 'release') server.release();
    else if (each.step === 'turns') for (let count = each.count; count > 0; count--) await turn();
    else await settle();
    if (each.step === 'stray') {
      server.stray();
      await untilClosed(server);
    }
    check();
  }
  await settle();
  server.forget();
  await untilClosed(server);

  // What is kept must be good for anybody.
  for (let round = 0; round < 2; round++) {
    for (let client = 0; client < CLIENTS; client++) send(client, 'length', 0, 1, false);
    await settle();
  }
  await until('an exchange without its audit record, or with two', () => {
    const names = new Map<string, number>();
    for (const { target } of sidecar.audit.slice(before))
      names.set(target.name, (names.get(target.name) ?? 0) + 1);
    // Of a client that left at once, the request may never have been read.
    return calls.every(({ plan }) => {
      const count = names.get(`t${plan.tag}`) ?? 0;
      return count === 1 || (plan.left && count === 0);
    });
  });
  hold(server.spoilt() === 0, 'a connection with a broken answer was kept');
  const problem = sidecar.events.find(({ event }) => event === 'internal_error');
  hold(!problem, 'an internal error', () => JSON.stringify(problem));
  sidecar.audit.length = 0;
  sidecar.events.length = 0;
  check();
}

/** In turns of the event loop, for after a second without use the connection is closed for that. */
async function untilClosed(server: HostileServer): Promise<void> {
  for (let turns = 0; server.spoilt() > 0; turns++) {
    if (turns === STRAY_TURNS) throw new Finding('a connection with bytes that nobody asked for was kept');
    await turn();
    if (turns % 20 === 0) await delay(1);
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks++) {
    if (looks === PATIENCE_LOOKS) throw new Finding(what);
    await delay(1);
  }
}
