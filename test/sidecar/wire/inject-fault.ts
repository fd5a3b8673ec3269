/**
 * Preloaded into a sidecar (`node --import`): its own code throws where an answer of the server's says so. FAULT names
 * the part, and whether it throws at once, later, or in a promise.
 */
import { ServerResponse } from 'node:http';
import { ChannelSession } from '../../../sidecar/upstream/channel/channel-session.ts';
import { LegacyCall } from '../../../sidecar/upstream/legacy/legacy-call.ts';
import { ModernCall } from '../../../sidecar/upstream/modern/modern-call.ts';

const MARK = 'FAULTY';
const [part = '', when = 'now'] = (process.env['FAULT'] ?? '').split(' ');

function injectedFault(): never {
  throw new Error(`injected into ${part}`);
}

const FAULTS: Readonly<Record<string, () => void>> = {
  now: injectedFault,
  later: () => void setTimeout(injectedFault, 5),
  promise: () => void Promise.resolve().then(injectedFault),
};

// oxlint-disable-next-line typescript/no-explicit-any -- methods of several classes
function inject(prototype: any, name: string, start = ''): void {
  const own = prototype[name];
  prototype[name] = function patched(data: unknown, ...rest: unknown[]) {
    const said = [data]
      .flat()
      .map((each) => (typeof each === 'string' || Buffer.isBuffer(each) ? `${each}` : ''))
      .join('');
    if (said.startsWith(start) && said.includes(MARK)) return FAULTS[when]!();
    return own.call(this, data, ...rest);
  };
}

const PARTS: Readonly<Record<string, () => void>> = {
  legacy: () => inject(LegacyCall.prototype, 'wholeAnswer'),
  modern: () => inject(ModernCall.prototype, 'wholeAnswer'),
  channel: () => inject(ChannelSession.prototype, 'message'),
  'sse-clients': () => inject(ServerResponse.prototype, 'write'),
  'batch-part': () => inject(Buffer, 'concat'),
  'batch-whole': () => inject(Buffer, 'from', '['),
  nobody: () => void process.on('SIGUSR2', () => setTimeout(injectedFault, 1)),
};
PARTS[part]!();
