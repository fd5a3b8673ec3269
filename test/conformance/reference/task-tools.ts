/** The tools that the suite's scenarios of the tasks extension ask for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Work } from './task-store.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- results are what the tools make of them
type Json = any;

export interface TaskTool {
  readonly name: string;
  /** Whether it is ever done without a task. */
  readonly tasks: 'never' | 'optional' | 'required';
  readonly properties: Record<string, object>;
  /** What it must know of the client before it begins. */
  readonly asksFirst?: Record<string, Json>;
  readonly work: (args: Json, work: Work, answers: Record<string, Json>) => Promise<Json>;
}

const text = (words: string) => ({ content: [{ type: 'text', text: words }] });
const elicitation = (message: string, properties: object) => ({
  method: 'elicitation/create',
  params: { mode: 'form', message, requestedSchema: { type: 'object', properties } },
});
const NAME = { name: { type: 'string' } };

export const TASK_TOOLS: readonly TaskTool[] = [
  {
    name: 'greet',
    tasks: 'never',
    properties: NAME,
    work: async ({ name }) => text(`Hello, ${name}!`),
  },
  {
    name: 'slow_compute',
    tasks: 'optional',
    properties: { seconds: { type: 'number' }, label: { type: 'string' } },
    async work({ seconds, label }, { signal }) {
      await sleep(seconds * 1000, undefined, { signal, ref: false });
      return text(`computed ${label}`);
    },
  },
  {
    name: 'failing_job',
    tasks: 'required',
    properties: {},
    work: async () => ({ ...text('the job failed'), isError: true }),
  },
  {
    name: 'protocol_error_job',
    tasks: 'required',
    properties: {},
    work: () => Promise.reject(new Error('panic')),
  },
  {
    name: 'confirm_delete',
    tasks: 'required',
    properties: { filename: { type: 'string' } },
    async work({ filename }, { ask }) {
      const { confirm } = await ask({
        confirm: elicitation(`Delete ${filename}?`, { confirm: { type: 'boolean' } }),
      });
      return text(confirm.content?.confirm ? `deleted ${filename}` : `kept ${filename}`);
    },
  },
  {
    name: 'multi_input',
    tasks: 'required',
    properties: {},
    async work(_, { ask }) {
      const { one, two } = await ask({ one: elicitation('One?', NAME), two: elicitation('Two?', NAME) });
      return text(`${one.content.name} and ${two.content.name}`);
    },
  },
  {
    name: 'test_tool_with_task',
    tasks: 'required',
    properties: {},
    asksFirst: { user_name: elicitation('What is your name?', NAME) },
    work: async (_, __, { user_name: answer }) => text(`Hello, ${answer.content.name}!`),
  },
];
