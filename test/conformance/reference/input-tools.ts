/** Tools and a prompt that ask the client back: as input requests (2026-07-28), which the SDK turns into requests for 2025-11-25. */
import { acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type {
  CallToolResult,
  McpServer,
  RequestStateCodec,
  ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './content.ts';
import { capabilitiesOf } from './tools.ts';

type Answer = CallToolResult | ReturnType<typeof inputRequired>;

const ask = (message: string, key: string) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { [key]: { type: 'string' } }, required: [key] },
  });
const confirm = () =>
  inputRequired.elicit({
    message: 'Please confirm',
    requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
  });
const sample = (prompt: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens });
const done = (value: string): Answer => ({ content: [text(value)] });

const QUESTIONS = {
  user_name: () => ask('What is your name?', 'name'),
  capital_question: () => sample('What is the capital of France?', 100),
  greeting: () => sample('Generate a greeting', 50),
  client_roots: () => inputRequired.listRoots(),
  confirm,
  step1: () => ask('Step 1: What is your name?', 'name'),
  step2: () => ask('Step 2: What is your favorite color?', 'color'),
};
type Question = keyof typeof QUESTIONS;

export function registerInputTools(server: McpServer, states: RequestStateCodec): void {
  const tool = (name: string, handler: (context: ServerContext) => Answer | Promise<Answer>) =>
    server.registerTool(
      `test_input_required_result_${name}`,
      { description: `Asks the client: ${name}` },
      handler,
    );

  tool('elicitation', ({ mcpReq }) => {
    const name = acceptedContent(mcpReq.inputResponses, 'user_name', z.object({ name: z.string() }))?.name;
    return name === undefined ? asking('user_name') : done(`Hello, ${name}!`);
  });
  tool('sampling', ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'capital_question');
    return answer.kind === 'sampling'
      ? done(JSON.stringify(answer.result.content))
      : asking('capital_question');
  });
  tool('list_roots', ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'client_roots');
    return answer.kind === 'roots'
      ? done(answer.roots.map(({ uri }) => uri).join(' '))
      : asking('client_roots');
  });
  for (const name of ['request_state', 'tampered_state']) {
    tool(name, async ({ mcpReq }) =>
      mcpReq.requestState<string>() === 'confirming'
        ? done('state-ok')
        : withState(['confirm'], await states.mint('confirming')),
    );
  }
  tool('multiple_inputs', async ({ mcpReq }) => {
    const keys: Question[] = ['user_name', 'greeting', 'client_roots'];
    const complete = keys.every((key) => inputResponse(mcpReq.inputResponses, key).kind !== 'missing');
    return complete
      ? done(`answers to ${keys.join(', ')}`)
      : withState(keys, await states.mint('asking three'));
  });
  tool('multi_round', async ({ mcpReq }) => {
    const round = mcpReq.requestState<number>();
    if (round === 2) return done('two rounds');
    return withState([round === 1 ? 'step2' : 'step1'], await states.mint(round === 1 ? 2 : 1));
  });
  tool('capabilities', (context) => {
    const { sampling, elicitation, roots } = capabilitiesOf(context, server) ?? {};
    const keys: Question[] = [];
    if (elicitation) keys.push('user_name');
    if (sampling) keys.push('capital_question');
    if (roots) keys.push('client_roots');
    return keys.length ? asking(...keys) : done('the client declares nothing that could be asked for');
  });
  // The SDK refuses to ask a client that does not declare sampling: -32021.
  server.registerTool('test_missing_capability', { description: 'Needs sampling' }, () =>
    asking('capital_question'),
  );
  server.registerTool('test_streaming_elicitation', { description: 'Asks the client' }, () =>
    asking('user_name'),
  );
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'Asks the client for context' },
    ({ mcpReq }) => {
      const context = acceptedContent(
        mcpReq.inputResponses,
        'user_context',
        z.object({ context: z.string() }),
      );
      if (!context) {
        return inputRequired({
          inputRequests: { user_context: ask('What context should the prompt use?', 'context') },
        });
      }
      return { messages: [{ role: 'user', content: text(`Context: ${context.context}`) }] };
    },
  );
}

function asking(...keys: Question[]): Answer {
  return inputRequired({ inputRequests: Object.fromEntries(keys.map((key) => [key, QUESTIONS[key]()])) });
}

function withState(keys: Question[], requestState: string): Answer {
  return inputRequired({
    inputRequests: Object.fromEntries(keys.map((key) => [key, QUESTIONS[key]()])),
    requestState,
  });
}
