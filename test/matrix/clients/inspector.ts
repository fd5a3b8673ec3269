/** `mcp-inspector --cli`: a process for each step of those that it can do. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Feature, Outcome, Seen, Step } from '../steps.ts';

const NOT_ITS: Outcome = { none: true };
/** What it is told of a refusal has no code. */
const REFUSED: Outcome = { error: -32602 };
const LISTS = {
  tools: { method: 'tools/list', key: 'tools' },
  prompts: { method: 'prompts/list', key: 'prompts' },
  resources: { method: 'resources/list', key: 'resources' },
  templates: { method: 'resources/templates/list', key: 'resourceTemplates' },
} as const;

interface Result {
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly contents?: readonly { readonly text?: string }[];
  readonly messages?: readonly { readonly content: { readonly text?: string } }[];
  readonly [list: string]: unknown;
}

export async function runInspector(program: string, url: string, steps: readonly Step[]): Promise<Seen> {
  const ask = async (method: string, ...args: string[]): Promise<Result> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, '--cli', url, '--method', method, ...args],
      { maxBuffer: 16 * 1024 * 1024 },
    );
    return JSON.parse(stdout) as Result;
  };
  await ask('tools/list');
  const outcomes = new Map<Feature, Outcome>();
  for (const step of steps) outcomes.set(step.feature, await outcomeOf(step, ask).catch(() => REFUSED));
  return { version: 'any', outcomes };
}

async function outcomeOf(
  step: Step,
  ask: (method: string, ...args: string[]) => Promise<Result>,
): Promise<Outcome> {
  const { name = '', uri = '' } = step;
  const given = Object.entries(step.arguments ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  switch (step.do) {
    case 'tools':
    case 'prompts':
    case 'resources':
    case 'templates': {
      const { method, key } = LISTS[step.do];
      const list = (await ask(method))[key] as { name: string }[];
      return { names: list.map((each) => each.name).toSorted() };
    }
    case 'call': {
      // It has nobody to ask, and shows nothing but the answer.
      if (step.answer || step.progress || step.level || ['sampling', 'roots'].includes(step.feature))
        return NOT_ITS;
      const args = given.flatMap((each) => ['--tool-arg', each]);
      const { content = [] } = await ask('tools/call', '--tool-name', name, ...args);
      return { text: content.map(({ type, text }) => text ?? type).join('\n') };
    }
    case 'prompt': {
      const args = given.length > 0 ? ['--prompt-args', ...given] : [];
      const { messages = [] } = await ask('prompts/get', '--prompt-name', name, ...args);
      return { text: messages.map(({ content }) => content.text).join('\n') };
    }
    case 'read':
      return {
        text: ((await ask('resources/read', '--uri', uri)).contents ?? []).map(({ text }) => text).join('\n'),
      };
    default:
      return NOT_ITS;
  }
}
