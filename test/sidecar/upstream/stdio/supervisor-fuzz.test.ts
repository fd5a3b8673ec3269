/** Whoever writes to the pipe `control`: a supervisor built to notice every fault in its memory obeys words, or drops them. */
import assert from 'node:assert/strict';
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SANITIZED } from '../../../../manifests/supervisor.ts';
import { waitFor } from '../../wire/wait-for.ts';
import { processesOf, type Supervised, supervise, whyNot as skip } from './supervised.ts';

const LINE_BYTES = 65_536;
const EPOCH = 'e1';
const START = `start ${EPOCH} full A=`;
/** Those that were found to matter, before what is random. */
const KEPT: Readonly<Record<string, string>> = {
  'a cut escape ends the last line that fits': `${START}${'x'.repeat(LINE_BYTES - START.length - 3)}%4\n`,
  'a line too long by one': `${START}${'x'.repeat(LINE_BYTES - START.length)}\n`,
  'escapes only': `start ${EPOCH} esc A=${'%41'.repeat(20_000)} =% %=%% %zz=%4z B=%00 ${'%'.repeat(99)}\n`,
  'names of the supervisor itself': ['control', 'status', 'in', 'home']
    .flatMap((id) => ['start', 'run', 'stop', 'kill'].map((verb) => `${verb} ${EPOCH} ${id}\n`))
    .join(''),
  'more sessions than there may be': Array.from(
    { length: 1_100 },
    (_, at) => `start ${EPOCH} m${at % 40}\nkill ${EPOCH} m${at % 40}\n`,
  ).join(''),
};
const SEEDS = [1, 2, 3, 4, 5, 6];
const ROUNDS = 60;

const WORDS = [
  ...`reset start run stop kill ready ${EPOCH} e2 a b c control status home .. . / A=1 = % %4 %00 %ff HOME=%2f -1`.split(
    ' ',
  ),
  'x'.repeat(32),
  'x'.repeat(33),
  'P='.repeat(3_000),
  '99999999999999999999',
  '%s%n%n',
  '',
  ' ',
  '\0',
  '\t',
  '\r',
  'a\0b',
];

/** Numbers below a bound, the same for a seed every time (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomLines(seed: number): Buffer {
  const upTo = random(seed);
  const parts: Buffer[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    if (upTo(4) === 0) parts.push(Buffer.from(Array.from({ length: upTo(300) }, () => upTo(256))));
    else {
      const verb = ['reset', 'start', 'run', 'stop', 'kill'][upTo(5)];
      const rest = Array.from({ length: upTo(6) }, () => WORDS[upTo(WORDS.length)]);
      parts.push(Buffer.from(`${verb} ${upTo(3) ? `${EPOCH} ` : ''}${rest.join(' ')}`));
    }
    if (upTo(5)) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

interface Ends {
  readonly write: (text: string | Buffer) => Promise<void>;
  readonly said: () => string;
}

async function connect(t: TestContext, { run }: Supervised): Promise<Ends> {
  const open = (name: string, how: number): number => openSync(join(run, name), how | constants.O_NONBLOCK);
  const fd = await waitFor('the supervisor', () => {
    try {
      return open('control', constants.O_WRONLY);
    } catch {
      return undefined;
    }
  });
  const control = new Socket({ fd, readable: false, writable: true });
  const status = new Socket({ fd: open('status', constants.O_RDONLY), readable: true, writable: false });
  let said = '';
  status.on('data', (bytes) => (said += bytes));
  for (const each of [control, status]) {
    each.on('error', () => {});
    t.after(() => void each.destroy());
  }
  return {
    write: (text) =>
      new Promise((resolve, reject) => control.write(text, (error) => (error ? reject(error) : resolve()))),
    said: () => said,
  };
}

async function check(t: TestContext, lines: string | Buffer): Promise<void> {
  const supervised = supervise(t, ['/bin/cat'], { launches: false, flags: SANITIZED });
  const { write, said } = await connect(t, supervised);
  await write(`reset ${EPOCH}\n`);
  await write(lines);
  await write('\nreset last\n');
  await waitFor('its last answer', () => said().includes('ready last '));
  supervised.child.kill('SIGTERM');
  assert.equal(await supervised.ended(), 0, supervised.log());
  assert.doesNotMatch(supervised.log(), /Sanitizer|runtime error/);
  await waitFor('the last process', () => processesOf(supervised.uid).length === 0);
}

for (const [what, lines] of Object.entries(KEPT)) test(what, { skip }, (t) => check(t, lines));
for (const seed of SEEDS)
  test(`words and bytes of seed ${seed}`, { skip }, (t) => check(t, randomLines(seed)));

test('what is behind a line that is too long is no word', { skip }, async (t) => {
  const supervised = supervise(t, ['/bin/cat'], { launches: false, flags: SANITIZED });
  const { write, said } = await connect(t, supervised);
  await write(`reset ${EPOCH}\nstart ${EPOCH} here\n`);
  await write(`${'x'.repeat(LINE_BYTES)}start ${EPOCH} here\n`);
  await write('reset last\n');
  await waitFor('its answer', () => said().includes('ready last '));
  assert.doesNotMatch(said(), /refused/);
});
