/** From what the running pod answered to the annotations that say where the server is. Pure. */
import { LISTEN_PATH } from '../../sidecar/config.ts';
import { CliError } from '../errors.ts';
import type { WantedAnnotations } from './template.ts';
import { declaredPorts, type DeclaredPort, objectName, type Workload } from './workload.ts';

export interface Question {
  readonly container: string;
  readonly port: number;
  readonly path: string;
  readonly transport: Transport;
}
export type Transport = 'streamable-http' | 'sse';

export interface Answer extends Question {
  /** Which MCP it speaks; absent: none. */
  readonly era?: 'modern' | 'legacy';
  /** What came instead: `HTTP 404`, `connection refused`. */
  readonly instead?: string;
}

/** Where servers are: `sse` is HTTP+SSE of 2024-11-05. */
const PLACES: readonly Pick<Question, 'path' | 'transport'>[] = [
  { path: LISTEN_PATH, transport: 'streamable-http' },
  { path: '/', transport: 'streamable-http' },
  { path: '/sse', transport: 'sse' },
];

/** Each declared TCP port at the usual places, within what the flags leave open. */
export const questionsFor = (workload: Workload, wanted: WantedAnnotations): Question[] =>
  declaredPorts(workload.spec.template)
    .filter(({ protocol, container }) => protocol === 'TCP' && within(wanted.container, container))
    .flatMap(({ container, number }) =>
      placesFor(wanted).map((place) => ({ container, port: number, ...place })),
    );

function placesFor({ path, transport }: WantedAnnotations): readonly Pick<Question, 'path' | 'transport'>[] {
  const either = transport === undefined || transport === 'auto';
  const places = PLACES.filter((each) => either || each.transport === transport);
  if (path === undefined) return places;
  return [...new Set(places.map((each) => each.transport))].map((each) => ({ path, transport: each }));
}

/** The flags win; with `--port`, nothing needs to be asked. */
export function givenPort(workload: Workload, wanted: WantedAnnotations): WantedAnnotations | undefined {
  if (wanted.port === undefined) return undefined;
  const holders = declaredPorts(workload.spec.template).filter(
    (each) => each.name === wanted.port || String(each.number) === wanted.port,
  );
  return holders.length === 1 ? { ...inContainer(workload, holders[0]!), ...wanted } : wanted;
}

/** @throws {CliError} when none answers, or more than one port: then a flag must decide. */
export function choosePort(
  workload: Workload,
  answers: readonly Answer[],
): { annotations: WantedAnnotations; notes: string[] } {
  const any = answers.filter((each) => each.era);
  // Many servers speak the older transport beside the newer one.
  const newer = any.filter(({ transport }) => transport !== 'sse');
  const speaking = newer.length > 0 ? newer : any;
  const ports = [...new Set(speaking.map((each) => each.port))];
  if (ports.length === 0) throw noAnswer(workload, answers);
  if (ports.length > 1) {
    const list = ports.map((port) => {
      const { container, path } = speaking.find((each) => each.port === port)!;
      return `${port}${path} (container ${container})`;
    });
    throw new CliError(
      `more than one port of ${objectName(workload)} answers MCP: ${list.join(', ')}\nChoose one with --port`,
    );
  }
  const chosen = speaking.find((each) => each.path === LISTEN_PATH) ?? speaking[0]!;
  const others = speaking.filter((each) => each.path !== chosen.path).map((each) => each.path);
  return {
    annotations: {
      port: String(chosen.port),
      ...(chosen.transport === 'sse' && { transport: chosen.transport }),
      ...(chosen.path !== (chosen.transport === 'sse' ? '/sse' : LISTEN_PATH) && { path: chosen.path }),
      ...inContainer(workload, chosen),
    },
    notes: [
      `found the server: port ${chosen.port}${chosen.path} of container ${chosen.container} answers ${chosen.era} MCP${chosen.transport === 'sse' ? ' over HTTP+SSE' : ''}`,
      ...(others.length > 0 ? [`it answers at ${others.join(', ')} too; --path decides`] : []),
    ],
  };
}

function noAnswer(workload: Workload, answers: readonly Answer[]): CliError {
  const name = objectName(workload);
  const next = 'Give --port (and --path) to say where the server is; it is not asked then';
  if (answers.length === 0) return new CliError(`${name} declares no port that could be asked\n${next}`);
  const tried = answers.map(({ port, path, instead }) => `  ${port}${path}: ${instead ?? 'no MCP'}`);
  return new CliError(`no declared port of ${name} answers MCP:\n${tried.join('\n')}\n${next}`);
}

/** Only a pod of several containers needs to be told which one. */
const inContainer = (workload: Workload, { container }: Pick<DeclaredPort, 'container'>): WantedAnnotations =>
  (workload.spec.template.spec?.containers.length ?? 0) > 1 ? { container } : {};

const within = (wanted: string | undefined, found: string): boolean =>
  wanted === undefined || wanted === found;
