/** The tools and the prompt that ask the client back, by requests of the server's: there is no other way in this line. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { text } from '../content.ts';
import type { Extra } from './tool-face.ts';

type Ask = (server: McpServer['server'], own: { relatedRequestId: string | number }) => Promise<unknown>;

const TEXT = { type: 'string' } as const;
const ask =
  (message: string, key: string, property: { type: 'string' } | { type: 'boolean' }): Ask =>
  (server, own) =>
    server.elicitInput(
      { message, requestedSchema: { type: 'object', properties: { [key]: property }, required: [key] } },
      own,
    );
const sample =
  (prompt: string, maxTokens: number): Ask =>
  (server, own) =>
    server.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens }, own);
const roots: Ask = (server, own) => server.listRoots(undefined, own);

const name = ask('What is your name?', 'name', TEXT);
const capital = sample('What is the capital of France?', 100);
const confirm = ask('Please confirm', 'ok', { type: 'boolean' });

/** What each asks: those of one list together, list by list. */
const TOOLS: Readonly<Record<string, readonly (readonly Ask[])[]>> = {
  test_input_required_result_elicitation: [[name]],
  test_input_required_result_sampling: [[capital]],
  test_input_required_result_list_roots: [[roots]],
  test_input_required_result_request_state: [[confirm]],
  test_input_required_result_tampered_state: [[confirm]],
  test_input_required_result_multiple_inputs: [[name, sample('Generate a greeting', 50), roots]],
  test_input_required_result_multi_round: [[name], [ask('What is your favorite color?', 'color', TEXT)]],
  // It does not look whether the client can be asked that: the line sends it all the same.
  test_missing_capability: [[capital]],
  test_streaming_elicitation: [[name]],
};

const told = (answers: unknown[]) => ({
  content: [
    text(answers.length > 0 ? `state-ok ${JSON.stringify(answers)}` : 'nothing that could be asked for'),
  ],
});

export function registerInputTools(server: McpServer): void {
  const asked = async (rounds: readonly (readonly Ask[])[], { requestId }: Extra): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (const round of rounds)
      answers.push(
        ...(await Promise.all(round.map((each) => each(server.server, { relatedRequestId: requestId })))),
      );
    return answers;
  };
  for (const [tool, rounds] of Object.entries(TOOLS))
    server.registerTool(tool, { description: 'Asks the client' }, async (extra) =>
      told(await asked(rounds, extra)),
    );
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks the client what it can be asked' },
    async (extra) => {
      const can = server.server.getClientCapabilities();
      const each = [...(can?.elicitation ? [name] : []), ...(can?.sampling ? [capital] : [])];
      return told(await asked([[...each, ...(can?.roots ? [roots] : [])]], extra));
    },
  );
  const prompt = async (extra: Extra) => {
    const [answer] = await asked([[ask('What context should the prompt use?', 'context', TEXT)]], extra);
    return { messages: [{ role: 'user', content: text(`Context: ${JSON.stringify(answer)}`) }] };
  };
  // The types know no prompt without arguments; it is called with what belongs to the request alone.
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'Asks the client for context' },
    prompt as never,
  );
}
