/** Tools of 2025-11-25 alone: the server sends its own requests while a call runs. */
import { inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type { ElicitRequestFormParams, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './content.ts';

type Schema = ElicitRequestFormParams['requestedSchema'];

const USER: Schema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
};
/** SEP-1034. */
const DEFAULTS: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};
const titled = (word: string) =>
  ['First', 'Second', 'Third'].map((each, index) => ({
    const: `value${index + 1}`,
    title: `${each} ${word}`,
  }));
/** SEP-1330. */
const ENUMS: Schema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
  },
};

export function registerLegacyTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const { content } = await mcpReq.requestSampling({
        messages: [{ role: 'user', content: text(prompt) }],
        maxTokens: 100,
      });
      const block = [content].flat()[0];
      return { content: [text(`LLM response: ${block?.type === 'text' ? block.text : ''}`)] };
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) => {
      const answer = await mcpReq.elicitInput({ message, requestedSchema: USER });
      return { content: [text(`User response: ${JSON.stringify(answer)}`)] };
    },
  );
  for (const [name, requestedSchema] of [
    ['test_elicitation_sep1034_defaults', DEFAULTS],
    ['test_elicitation_sep1330_enums', ENUMS],
  ] as const) {
    server.registerTool(name, { description: 'Asks the user with a rich schema' }, async ({ mcpReq }) => {
      const { action, content } = await mcpReq.elicitInput({ message: 'Please answer', requestedSchema });
      return {
        content: [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)],
      };
    });
  }
}

const elicit = (message: string, requestedSchema: Schema) =>
  inputRequired({ inputRequests: { user: inputRequired.elicit({ message, requestedSchema }) } });

/** The same tools of a server that knows 2026-07-28 alone. */
export function registerAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client', inputSchema: z.object({ prompt: z.string() }) },
    ({ prompt }, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'model');
      if (answer.kind === 'sampling') {
        const block = [answer.result.content].flat()[0];
        return { content: [text(`LLM response: ${block?.type === 'text' ? block.text : ''}`)] };
      }
      const messages = [{ role: 'user' as const, content: text(prompt) }];
      return inputRequired({
        inputRequests: { model: inputRequired.createMessage({ messages, maxTokens: 100 }) },
      });
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user', inputSchema: z.object({ message: z.string() }) },
    ({ message }, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'user');
      if (answer.kind !== 'elicit') return elicit(message, USER);
      return { content: [text(`User response: ${JSON.stringify(answer)}`)] };
    },
  );
  for (const [name, requestedSchema] of [
    ['test_elicitation_sep1034_defaults', DEFAULTS],
    ['test_elicitation_sep1330_enums', ENUMS],
  ] as const) {
    server.registerTool(name, { description: 'Asks the user with a rich schema' }, ({ mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'user');
      if (answer.kind !== 'elicit') return elicit('Please answer', requestedSchema);
      const { action, content } = answer;
      return {
        content: [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)],
      };
    });
  }
}
