/** Sealed session ids against a model: who made an id, where and under which key, is all that opening it depends on. */
import { createHash } from 'node:crypto';
import { createSessions, type Session, type Sessions } from '../../../sidecar/sessions.ts';
import { programOf, type Program } from '../engine/program.ts';
import type { Random } from '../engine/random.ts';
import { hold, holdEqual, type Target } from '../engine/target.ts';

const PRINCIPALS = ['alice', 'bob', 'alic', 'alice\0', ''];
const PODS = [
  { uid: 'pod-1', address: '10.0.0.1:7410' },
  { uid: 'pod-2', address: '10.0.0.2:7410' },
  // Another server of it.
  { uid: 'pod-2', address: '10.0.0.2:7412' },
];
const KEYS = ['one', 'two'].map((text) => createHash('sha256').update(text).digest());
const UPSTREAM_IDS = ['upstream-1', 'upstream-2', '', '","', 'é\u{1f600}', 'x'.repeat(300)];
const PARAMS = [
  null,
  '{}',
  '{"a":"é"}',
  `"${'x'.repeat(2_046)}"`,
  `"${'x'.repeat(2_047)}"`,
  `"${'é'.repeat(2_046)}"`,
];
const VERSIONS = ['2025-11-25', '', '","'];
/** Few, so that what is remembered is forgotten again. */
const REMEMBERED_BYTES = 3_000;

interface Place {
  readonly sessions: Sessions;
  readonly key: number;
  readonly pod: number;
}

interface Made extends Place {
  readonly session: Session;
  readonly fields: Omit<Session, 'sealed' | 'podUid' | 'address'>;
}

/** What a program does, a byte for the step and bytes for its choices. */
const STEPS = ['seal', 'open', 'open', 'open', 'open forged', 'open forged', 'forget', 'restart'] as const;

export const sessions: Target = {
  name: 'sessions',
  covers: ['sidecar/sessions.ts'],
  maxBytes: 200,
  dictionary: STEPS.map((_, index) => String.fromCharCode(index)),
  generate: (random: Random) => random.bytes(8 + random.int(120)),
  run: (bytes) => void execute(bytes, () => undefined),
  describe(bytes) {
    const told: string[] = [];
    try {
      execute(bytes, (step) => void told.push(step));
    } catch {
      told.push('here');
    }
    return `${bytes.toString('hex')}\n  ${told.join('\n  ')}`;
  },
};

function execute(bytes: Buffer, tell: (step: string) => void): void {
  const program = programOf(bytes);
  const places: Place[] = KEYS.flatMap((_, key) => PODS.map((__, pod) => place(key, pod)));
  const made: Made[] = [];
  while (!program.ended) {
    const step = program.pick(STEPS);
    const at = program.int(places.length);
    const where = places[at]!;
    tell(`${step} at key ${where.key} pod ${where.pod}`);
    if (step === 'seal') made.push(seal(program, where, made));
    else if (step === 'restart') places[at] = place(where.key, where.pod);
    else if (made.length > 0) use(step, program, where, made);
  }
}

function seal(program: Program, where: Place, made: readonly Made[]): Made {
  const fields = {
    upstreamId: program.pick(UPSTREAM_IDS),
    principal: program.pick(PRINCIPALS),
    version: program.pick(VERSIONS),
    initializeParams: program.pick(PARAMS),
  };
  const session = where.sessions.seal(fields);
  hold(/^[\w-]+$/.test(session.sealed), 'an id that is no header value');
  hold(session.sealed.length <= 8_192, 'an id that is too long to open');
  hold(
    made.every((each) => each.session.sealed !== session.sealed),
    'the same id twice',
  );
  const carried = (fields.initializeParams?.length ?? 0) > 2_048 ? null : fields.initializeParams;
  return { ...where, session, fields: { ...fields, initializeParams: carried } };
}

function use(step: (typeof STEPS)[number], program: Program, where: Place, made: readonly Made[]): void {
  const { session, fields, key, pod } = program.pick(made);
  if (step === 'forget') return where.sessions.forget(session);
  const principal = program.int(3) === 0 ? program.pick(PRINCIPALS) : fields.principal;
  const sealed = step === 'open forged' ? forge(program, session.sealed, made) : session.sealed;
  const found = where.sessions.open(sealed, principal);
  if (sealed !== session.sealed && made.some((each) => each.session.sealed === sealed)) return;
  const mayOpen =
    sealed === session.sealed && principal === fields.principal && where.key === key && where.pod === pod;
  hold(
    mayOpen || found === undefined,
    `${sealed === session.sealed ? 'an id' : 'a forged id'} opens that must not`,
  );
  hold(!mayOpen || found !== undefined, 'an id does not open for its own principal');
  if (found)
    holdEqual(
      { ...found },
      { ...found, ...fields, sealed, podUid: PODS[pod]!.uid, address: PODS[pod]!.address },
      'a session with other fields than were sealed',
    );
}

function forge(program: Program, sealed: string, made: readonly Made[]): string {
  const at = program.int(Math.min(256, sealed.length));
  const other = program.pick(made).session.sealed;
  switch (program.int(8)) {
    case 0:
      return `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
    case 1:
      // Bits that base64 leaves spare at the end.
      return sealed.slice(0, -1) + String.fromCharCode(sealed.charCodeAt(sealed.length - 1) + 1);
    case 2:
      return `${sealed}${program.pick(['=', '==', 'A', ' ', '\n', '.'])}`;
    case 3:
      return sealed.replaceAll('-', '+').replaceAll('_', '/');
    case 4:
      return sealed.slice(0, at) + other.slice(at);
    case 5:
      return sealed.slice(0, at);
    case 6:
      return `${sealed.slice(0, at)}${program.pick(['=', '\n', ' ', '.', '\u00e9'])}${sealed.slice(at)}`;
    default:
      return sealed.toUpperCase();
  }
}

const place = (key: number, pod: number): Place => ({
  sessions: createSessions(PODS[pod]!, KEYS[key], REMEMBERED_BYTES),
  key,
  pod,
});
