import type { ServerConfig } from '../config.ts';
import type { LookUpTool } from '../filter/authorization.ts';
import type { Log } from '../log.ts';
import type { RevisionState } from '../mounted/watch-revision.ts';
import type { Pass } from '../passes.ts';
import type { Catalogue } from '../upstream/catalogue.ts';
import { type Drift, driftOf, isOtherImage, judgePinned, type PinsRule } from './compare.ts';
import type { Definition } from './definition.ts';
import { createPinsPass } from './pins-pass.ts';
import type { Pins } from './pins-schema.ts';

/** The pins of one server, as it is now. */
export interface PinsStatus {
  revision(): string | undefined;
  /** What is wrong with the file as it is now. */
  problem(): string | undefined;
  /** The image runs that was pinned; undefined: that is not known. */
  sameImage(): boolean | undefined;
  drift(): readonly Drift[];
  /** Why a tool of the catalogue is blocked. */
  ruleOf(name: string, pin: Definition | undefined): string | undefined;
}

export interface PinnedTools {
  readonly status: PinsStatus;
  passes(deps: { readonly catalogue: Catalogue; readonly lookUp: LookUpTool }): readonly Pass[];
  /** Tools, or pins, may be others. */
  catalogueChanged(): void;
  close(): void;
}

/** A log line holds no more; `/health` and `kubectl mcp pin --check` have them all. */
const MAX_TOLD = 20;
/** Of what was only seen in callers' lists, told once each. */
const MAX_SEEN = 256;
/** A server with other tools per session makes no flood of lists. */
const RELIST_MS = 10_000;

/** Undefined where nothing is pinned. */
export async function createPinnedTools(
  { name: server, pins: config, image }: Pick<ServerConfig, 'name' | 'pins' | 'image'>,
  { log, tools }: { readonly log: Log; readonly tools: () => ReturnType<Catalogue['state']>['tools'] },
): Promise<PinnedTools | undefined> {
  if (!config) return undefined;
  const [{ PINS_KEY, readPins }, { watchRevision }] = await Promise.all([
    import('./pins-schema.ts'),
    import('../mounted/watch-revision.ts'),
  ]);
  let state: RevisionState<Pins> = { faults: [] };
  let told = '';
  let drifts: readonly Drift[] = [];
  const seen = new Set<string>();
  const inForce = (): Pins | undefined => state.read;
  const sameImage = (): boolean | undefined => {
    const known = inForce();
    return known?.image === undefined || image === undefined ? undefined : !isOtherImage(known, image);
  };
  const ruleOf = (name: string, pin: Definition | undefined): PinsRule | undefined => {
    const pins = inForce();
    return pins && judgePinned(name, pin, pins, image);
  };

  function compared(): void {
    const pins = inForce();
    const found = tools();
    if (!pins || !found) return;
    drifts = driftOf(new Map([...found].map(([name, { pin }]) => [name, pin])), pins);
    const words = JSON.stringify([drifts, sameImage()]);
    if (words === told || (told === '' && drifts.length === 0)) return;
    told = words;
    log(drifts.length > 0 ? 'pins_drift' : 'pins_match', {
      server,
      image,
      same_image: sameImage(),
      ...(drifts.length > 0 && { count: drifts.length, tools: drifts.slice(0, MAX_TOLD) }),
    });
  }

  function changed(next: RevisionState<Pins>): void {
    state = next;
    seen.clear();
    log(state.faults.length === 0 ? 'pins_loaded' : 'pins_refused', {
      server,
      source: config?.source,
      revision: state.revision,
      ...(state.faults.length === 0 ? {} : { faults: state.faults }),
    });
    compared();
  }

  const watched = await watchRevision(config, { key: PINS_KEY, read: readPins }, changed);
  return {
    status: {
      revision: watched.revision,
      problem: watched.problem,
      sameImage,
      drift: () => drifts,
      ruleOf,
    },
    passes({ catalogue, lookUp }) {
      let relistAtMs = 0;
      return [
        createPinsPass({
          inForce,
          judge: ruleOf,
          catalogue,
          lookUp,
          seen(name, rule, definition) {
            const known = catalogue.state().tools?.get(name)?.pin?.sha256;
            if (definition && known === definition.sha256) return;
            const key = `${name}\n${definition?.sha256}`;
            if (!seen.has(key) && seen.size < MAX_SEEN) {
              seen.add(key);
              log('pins_other_definition', { server, tool: name, rule, found: definition?.sha256, known });
            }
            if (performance.now() < relistAtMs) return;
            relistAtMs = performance.now() + RELIST_MS;
            catalogue.relist();
          },
        }),
      ];
    },
    catalogueChanged: compared,
    close: () => watched.close(),
  };
}
