import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, choosePort, givenPort, questionsFor } from '../../../plugin/enable/choose-port.ts';
import { workload } from './fixtures.ts';

const answer = (port: number, path: string, era?: 'modern' | 'legacy', container = 'everything'): Answer => ({
  container,
  port,
  path,
  transport: path === '/sse' ? 'sse' : 'streamable-http',
  ...(era ? { era } : { instead: 'HTTP 404' }),
});
const twoContainers = workload((draft) =>
  draft.spec.template.spec!.containers.push({ name: 'second', image: 'i', ports: [{ containerPort: 4000 }] }),
);

describe('finding the port', () => {
  it('asks each declared TCP port at /mcp, / and /sse', () => {
    const mine = workload((draft) =>
      draft.spec.template.spec!.containers[0]!.ports!.push({ containerPort: 53, protocol: 'UDP' }),
    );
    assert.deepEqual(
      questionsFor(mine, {}).map(({ port, path }) => `${port}${path}`),
      ['3001/mcp', '3001/', '3001/sse', '9090/mcp', '9090/', '9090/sse'],
    );
    assert.deepEqual(
      questionsFor(twoContainers, { container: 'second', path: '/x' }).map(
        ({ port, path }) => `${port}${path}`,
      ),
      ['4000/x', '4000/x'],
    );
    assert.equal(questionsFor(workload(), { transport: 'auto' }).length, 6);
    assert.deepEqual(
      questionsFor(twoContainers, { container: 'second', transport: 'sse' }).map(({ path }) => path),
      ['/sse'],
    );
  });

  it('takes HTTP+SSE where nothing newer answers, and writes it down', () => {
    const { annotations, notes } = choosePort(workload(), [
      answer(3001, '/mcp'),
      answer(3001, '/sse', 'legacy'),
    ]);
    assert.deepEqual(annotations, { port: '3001', transport: 'sse' });
    assert.match(notes[0]!, /3001\/sse of container everything answers legacy MCP over HTTP\+SSE$/);
    assert.deepEqual(
      choosePort(workload(), [answer(3001, '/mcp', 'legacy'), answer(9090, '/sse', 'legacy')]).annotations,
      { port: '3001' },
    );
  });

  it('takes the only one that answers, and names the container where there are several', () => {
    const { annotations, notes } = choosePort(twoContainers, [
      answer(3001, '/mcp', 'legacy'),
      answer(4000, '/mcp', undefined, 'second'),
    ]);
    assert.deepEqual(annotations, { port: '3001', container: 'everything' });
    assert.deepEqual(notes, ['found the server: port 3001/mcp of container everything answers legacy MCP']);
  });

  it('writes the path only when it is not the usual one', () => {
    assert.deepEqual(choosePort(workload(), [answer(3001, '/', 'modern')]).annotations, {
      port: '3001',
      path: '/',
    });
  });

  it('says which flag decides between paths, and between ports', () => {
    const both = choosePort(workload(), [answer(3001, '/mcp', 'modern'), answer(3001, '/', 'modern')]);
    assert.deepEqual(both.annotations, { port: '3001' });
    assert.equal(both.notes[1], 'it answers at / too; --path decides');
    assert.throws(
      () => choosePort(workload(), [answer(3001, '/mcp', 'modern'), answer(9090, '/', 'legacy')]),
      /more than one port of deployment\.apps\/everything answers MCP: 3001\/mcp \(container everything\), 9090\/ .*\nChoose one with --port/,
    );
  });

  it('tells what it tried when none answers', () => {
    assert.throws(
      () => choosePort(workload(), [answer(3001, '/mcp'), answer(9090, '/')]),
      /no declared port .* answers MCP:\n {2}3001\/mcp: HTTP 404\n {2}9090\/: HTTP 404\nGive --port/,
    );
    assert.throws(() => choosePort(workload(), []), /declares no port that could be asked\nGive --port/);
  });

  it('asks nothing with --port, and finds its container by number or name', () => {
    assert.equal(givenPort(workload(), {}), undefined);
    assert.deepEqual(givenPort(workload(), { port: 'mcp' }), { port: 'mcp' });
    assert.deepEqual(givenPort(twoContainers, { port: '4000' }), { port: '4000', container: 'second' });
    assert.deepEqual(givenPort(twoContainers, { port: '5000' }), { port: '5000' });
  });
});
