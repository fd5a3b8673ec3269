import { MODERN_VERSION } from './client-message.ts';
import { existsSync, readFileSync } from 'node:fs';
import { openAccess } from './access/open-access.ts';
import { createAudit } from './audit/audit.ts';
import { createAuthentication } from './auth/authentication.ts';
import { createAuthenticator } from './auth/create-authenticator.ts';
import { createProtectedResource } from './auth/protected-resource.ts';
import { endRevoked } from './auth/end-revoked.ts';
import type { ServerConfig } from './config.ts';
import { editedReply } from './downstream/edited-reply.ts';
import { clientPaths } from './downstream/listen-paths.ts';
import { createLimits } from './downstream/limits.ts';
import { createListenServer } from './downstream/listen-server.ts';
import { createMcpHandler } from './downstream/mcp-handler.ts';
import { createCrossSite } from './edge/cross-site.ts';
import { createAuthorization } from './filter/authorization.ts';
import { decidesPerCaller } from './filter/decide.ts';
import { argumentsGate, createScopeGate } from './filter/late-gates.ts';
import { createToolRules } from './filter/tool-rules.ts';
import type { Exchange, Reply, Upstream } from './exchange.ts';
import { isHealthy, type ServerHealthSource } from './health.ts';
import { openMask } from './mask/open-mask.ts';
import { MOUNT } from './mounts.ts';
import { outboundDoor } from './outbound/open-outbound.ts';
import { createOverriddenTools, type OverriddenTools } from './overrides/overridden-tools.ts';
import { createPolicy } from './passes.ts';
import { definitionOf } from './pins/definition.ts';
import { createPinnedTools, type PinnedTools } from './pins/pins.ts';
import type { RuntimeDeps, ServerRuntime } from './runtime-deps.ts';
import { createSessions, KEY_BYTES } from './sessions.ts';
import { taskPasses } from './tasks/task-passes.ts';
import { callersDialect } from './upstream/callers-dialect.ts';
import { createCatalogue } from './upstream/catalogue.ts';
import { createEraChoice, isTranslated } from './upstream/era-choice.ts';
import type { CatalogueTool } from './upstream/list-tools.ts';
import { type Dialect } from './upstream/mcp-request.ts';
import type { LegacyUpstream } from './upstream/legacy/legacy-upstream.ts';
import { lookUpPrompt, lookUpTool } from './upstream/look-up-tool.ts';
import { scopedPool } from './upstream/scoped-pool.ts';
import { createStreamableHttp } from './upstream/streamable-http.ts';
import { openUpstream } from './upstream/open-upstream.ts';

/** How long after its end a credential may keep a stream open at most. */
const SWEEP_MS = 5_000;

/** Puts the three rooms of one server together, and its listen port. Binds nothing. */
export async function createServerRuntime(server: ServerConfig, deps: RuntimeDeps): Promise<ServerRuntime> {
  const { name } = server;
  const faulted = (error: unknown): void => deps.faults.report(error);
  const outbound = outboundDoor(server.outbound, deps.log);
  const way = await openUpstream(server, {
    outbound,
    podIp: deps.pod.ip,
    log: deps.log,
    starting: () => catalogue.starting(),
    launcher: deps.launcher,
    faulted,
  });
  const { choice, headers, tls } = way;
  const { pool, transport } = choice;
  const translated = scopedPool(pool);
  const key = sharedKey();
  const sessions = createSessions({ uid: deps.pod.uid, address: `${deps.pod.ip}:${server.listenPort}` }, key);
  let pinned: PinnedTools | undefined;
  let overridden: OverriddenTools | undefined;
  const define = server.pins && definitionOf;
  const catalogue = createCatalogue(
    pool,
    (state) => {
      pinned?.catalogueChanged();
      overridden?.view();
      deps.log(state.connected ? 'server_connected' : 'server_degraded', {
        server: name,
        transport: transport(),
        era: state.era,
        error: state.error,
        tools: state.tools?.size,
      });
      if (state.connected) return;
      legacy?.serverLost();
      upstream.serverLost();
    },
    choice.connect,
    define,
    server.policy !== undefined,
  );
  pinned = await createPinnedTools(server, { log: deps.log, tools: () => catalogue.state().tools });
  let legacy: LegacyUpstream | undefined;
  let modern: Upstream | undefined;
  const toolNamed = (tool: string): CatalogueTool | undefined => catalogue.state().tools?.get(tool);
  const toLegacy = {
    loaded: () => legacy,
    async load() {
      const { createLegacyUpstream } = await import('./upstream/legacy/legacy-upstream.ts');
      return (legacy ??= createLegacyUpstream(translated, toolNamed));
    },
  };
  const judged = (of: Exchange, reply: Reply): Reply => policy.answer(of, reply);
  const toModern = {
    loaded: () => modern,
    async load() {
      const { createModernUpstream } = await import('./upstream/modern/modern-upstream.ts');
      return (modern ??= createModernUpstream({ pool: translated, sessions, toolNamed, judged }));
    },
  };
  const direct = createStreamableHttp(pool, { sessions, server: catalogue });
  const passed = way.gate?.(direct, toolNamed) ?? direct;
  const upstream = createEraChoice(passed, { toLegacy, toModern }, catalogue, pool.processes?.startMs);
  const dialectOf = async (exchange: Exchange): Promise<Dialect> =>
    isTranslated(exchange)
      ? { era: 'modern', version: MODERN_VERSION }
      : exchange.message?.era === 'modern' && catalogue.state().era === 'legacy'
        ? (await toLegacy.load()).dialectOf(exchange)
        : callersDialect(exchange);
  const authenticator = await createAuthenticator(server, { ...deps, outbound, revoked: () => sweep() });
  const sweep = (): void =>
    endRevoked(deps.inFlight, server, authenticator, (caller) =>
      deps.log('stream_revoked', { server: name, caller: caller.name }),
    );
  const sweeper = server.auth.mode === 'none' ? undefined : setInterval(sweep, SWEEP_MS).unref();
  const rules = await createToolRules(server, deps);
  const access = await openAccess(server, deps);
  const crossSite = createCrossSite(server, {
    namespace: deps.pod.namespace,
    clusterDomain: deps.clusterDomain ?? 'cluster.local',
  });
  const resource = createProtectedResource(server, {
    paths: clientPaths(server),
    anyHost: crossSite.anyHost,
  });
  const toLookUp = {
    catalogue,
    lookUp: lookUpTool(pool, dialectOf, Date.now, define, server.policy !== undefined),
    lookUpPrompt: lookUpPrompt(pool, dialectOf),
    log: deps.log,
  };
  if (server.policy)
    overridden = createOverriddenTools({
      ...toLookUp,
      current: () => rules.inForce()?.overrides,
      log: (problems) => deps.log('overrides_at_fault', { server: name, problems }),
    });
  const warnings = [...crossSite.warnings, ...(tls?.warnings ?? [])];
  for (const warning of warnings) deps.log('check_switched_off', { server: name, warning });
  const passes = [
    crossSite.pass,
    createAuthentication(authenticator, sessions, resource),
    ...(await openMask(server)),
    ...rules.gates,
    ...(overridden ? [overridden.first] : []),
    ...(access ? [access.gate] : []),
    ...taskPasses(server, { rules, catalogue, key, access, pins: pinned?.status }),
    ...(access ? [access.first] : []),
    ...(rules.any ? [createAuthorization(rules.inForce, toLookUp)] : []),
    ...(pinned?.passes(toLookUp) ?? []),
    ...(access ? [access.pass(toLookUp)] : []),
    // Behind all that may hide a thing.
    ...(rules.any ? [argumentsGate] : []),
    ...(rules.any && resource ? [createScopeGate(resource.challenged)] : []),
    ...(overridden ? [overridden.last] : []),
    ...(server.audit === 'stdout'
      ? [createAudit(deps.pod, deps.audit, { unchecked: crossSite.unchecked, transport })]
      : []),
    deps.metrics.pass,
  ];
  const policy = createPolicy(passes, editedReply);
  const handle = createMcpHandler(server, {
    policy,
    upstream,
    inFlight: deps.inFlight,
    limits: createLimits(server.limits, deps.podLoad),
    ...(deps.readMessage ? { readMessage: deps.readMessage } : {}),
    faults: deps.faults,
  });
  const listener = await createListenServer(server, {
    handle,
    crossSite,
    resource,
    healthStatus: () => (isHealthy([source]) ? 'healthy' : 'degraded'),
    clients: deps.clients,
    faults: deps.faults,
    ...(deps.podLoad ? { podLoad: deps.podLoad } : {}),
    log: deps.log,
    ...(authenticator.clientTls ? { clientTls: authenticator.clientTls } : {}),
    ...(deps.timeouts ? { timeouts: deps.timeouts } : {}),
  });
  const source: ServerHealthSource = {
    name,
    catalogue: catalogue.state,
    transport,
    decide: rules.decide,
    perCaller: () => access !== undefined || decidesPerCaller(rules.inForce()),
    authProblem: authenticator.notReady,
    tokensRevision: authenticator.tokensRevision,
    ...(authenticator.problems ? { authProblems: authenticator.problems } : {}),
    ...(authenticator.kinds ? { authKinds: authenticator.kinds } : {}),
    ...(rules.policy ? { policy: rules.policy } : {}),
    ...(pinned ? { pins: pinned.status } : {}),
    ...(overridden ? { overrides: overridden.view } : {}),
    definitions: catalogue.definitions,
    ...(access ? { access } : {}),
    warnings,
    tls: listener.tls,
    listening: way.listening,
    ...(headers ? { upstreamHeaders: headers } : {}),
    ...(tls ? { upstreamTls: tls } : {}),
    ...(way.token ? { upstreamToken: way.token } : {}),
    outbound,
    ...(way.stdio ? { stdio: way.stdio } : {}),
  };
  return {
    ...source,
    listener,
    port: server.listenPort,
    translated: () => legacy?.held(),
    close() {
      listener.close();
      catalogue.close();
      clearInterval(sweeper);
      authenticator.close();
      outbound.close();
      rules.close();
      pinned?.close();
      access?.close();
      legacy?.close();
      way.close();
    },
  };
}

/** The key that replicas share, when there is one; a key of a wrong length stops the start. */
function sharedKey(): Buffer | undefined {
  const file = `${MOUNT.keys}/session`;
  if (!existsSync(file)) return undefined;
  const key = readFileSync(file);
  if (key.length !== KEY_BYTES) throw new Error(`${file} holds ${key.length} bytes, not ${KEY_BYTES}`);
  return key;
}
