import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { carryOut, type Hands } from '../../../plugin/enable/carry-out.ts';
import type { Change, Plan } from '../../../plugin/enable/change.ts';
import { CliError } from '../../../plugin/errors.ts';

const change = (name: string, kind: 'create' | 'update' | 'delete'): Change => ({
  ...(kind !== 'create' && { before: { metadata: { name } } }),
  ...(kind !== 'delete' && { after: { metadata: { name } } }),
  done: kind,
  details: [],
});
const service = (name: string): Change => ({
  before: { kind: 'Service', metadata: { name } },
  after: { kind: 'Service', metadata: { name } },
  done: 'update',
  details: [],
});
const plan = (parts: Partial<Plan>): Plan => ({
  before: [],
  after: [],
  warnings: [],
  refusals: [],
  faults: [],
  ...parts,
});
const whole = plan({
  before: [change('secret', 'create')],
  template: change('template', 'update'),
  after: [change('service', 'update'), change('policy', 'create')],
});

/** Hands that write down what they do, and fail at one thing. */
function recorder(failAt?: string): { log: string[]; hands: Hands } {
  const log: string[] = [];
  const act = (what: string): void => {
    log.push(what);
    if (what === failAt) throw new CliError('it failed');
  };
  return {
    log,
    hands: {
      apply: async (each) => {
        act(`${each.done} ${(each.after ?? each.before)!.metadata!.name}`);
        return each;
      },
      waitForPods: async (stage) => act(stage === 'changed' ? 'wait' : `wait until ${stage}`),
      dialClosed: async () => act('dial'),
      waitForEndpoints: async (services) =>
        act(`wait for ${services.map((each) => each.after!.metadata!.name).join(' and ')}`),
      freePods: async (each) => act(`free pods of ${each.after!.metadata!.name}`),
      done: () => undefined,
      undone: (each, error) => {
        if (error !== undefined) log.push(`cannot undo ${(each.after ?? each.before)!.metadata!.name}`);
      },
    },
  };
}

describe('carrying out a plan', () => {
  it('does the changes in their order and waits for the pods behind the template', async () => {
    const { log, hands } = recorder();
    await carryOut(whole, hands);
    assert.deepEqual(log, ['create secret', 'update template', 'wait', 'update service', 'create policy']);
  });

  it('waits also when the template was as it should be and something follows it', async () => {
    const { log, hands } = recorder();
    await carryOut(plan({ after: [change('service', 'update')] }), hands);
    assert.deepEqual(log, ['wait', 'update service']);
    const idle = recorder();
    await carryOut(plan({}), idle.hands);
    assert.deepEqual(idle.log, []);
  });

  it('takes all back in the opposite order when a step fails, and says so', async () => {
    const { log, hands } = recorder('create policy');
    await assert.rejects(
      carryOut(whole, hands),
      /^CliError: it failed\nWhat had been changed was taken back$/,
    );
    assert.deepEqual(log.slice(5), [
      'restored service',
      'restored template',
      'deleted secret',
      'free pods of template',
    ]);
  });

  it('takes back what was done when the pods do not get ready', async () => {
    const { log, hands } = recorder('wait');
    await assert.rejects(carryOut(whole, hands), /it failed/);
    assert.deepEqual(log, [
      'create secret',
      'update template',
      'wait',
      'restored template',
      'deleted secret',
      'free pods of template',
    ]);
  });

  it('goes on taking back when one thing cannot be', async () => {
    const { log, hands } = recorder('create policy');
    const stubborn: Hands = {
      ...hands,
      apply: async (each) => {
        if (each.done === 'restored' && each.after?.metadata?.name === 'service') throw new Error('conflict');
        return hands.apply(each);
      },
    };
    await assert.rejects(carryOut(whole, stubborn));
    assert.deepEqual(log.slice(5), [
      'cannot undo service',
      'restored template',
      'deleted secret',
      'free pods of template',
    ]);
  });

  it('waits for what follows the Services before the next step', async () => {
    const services = [service('a'), service('b')];
    const enabling = recorder();
    await carryOut({ ...whole, after: [...services, change('policy', 'create')] }, enabling.hands);
    assert.deepEqual(enabling.log.slice(3), ['update a', 'update b', 'wait for a and b', 'create policy']);
    const disabling = recorder('wait for a and b');
    await assert.rejects(carryOut({ ...whole, before: services }, disabling.hands), /taken back/);
    assert.deepEqual(disabling.log, ['update a', 'update b', 'wait for a and b', 'restored b', 'restored a']);
  });

  it('says nothing of taking back when nothing had been changed', async () => {
    const { hands } = recorder('create secret');
    await assert.rejects(carryOut(whole, hands), /^CliError: it failed$/);
  });

  it('closes the port in a rollout behind the Services, and dials last', async () => {
    const { log, hands } = recorder();
    await carryOut({ ...whole, closes: change('loopback', 'update'), dials: true }, hands);
    assert.deepEqual(log.slice(3), [
      'update service',
      'create policy',
      'update loopback',
      'wait until closed',
      'dial',
    ]);
  });

  it('a port that still answers takes all back, Services when the pods answer there again', async () => {
    const { log, hands } = recorder('dial');
    await assert.rejects(
      carryOut({ ...whole, closes: change('loopback', 'update'), dials: true }, hands),
      /taken back/,
    );
    assert.deepEqual(log.slice(8), [
      'restored loopback',
      'wait until opened',
      'deleted policy',
      'restored service',
      'restored template',
      'deleted secret',
      'free pods of template',
      'free pods of loopback',
    ]);
  });

  it('opens the port before anything leads to it', async () => {
    const { log, hands } = recorder();
    await carryOut(
      plan({
        opens: change('opened', 'update'),
        before: [service('a')],
        template: change('template', 'update'),
      }),
      hands,
    );
    assert.deepEqual(log, [
      'update opened',
      'wait until opened',
      'update a',
      'wait for a',
      'update template',
      'wait',
    ]);
  });
});
