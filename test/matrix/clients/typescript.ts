/** The steps, done by a client of either line of the TypeScript SDK. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CANCEL_AFTER_MS,
  NOTIFICATION_MS,
  type Feature,
  type Outcome,
  type Seen,
  type Step,
} from '../steps.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- results are read as far as a step shows them
type Result = any;

/** What the two lines do differently. */
export interface Driver {
  readonly version: string;
  readonly modern: boolean;
  request(method: 'tools' | 'prompts' | 'resources' | 'templates', cursor?: string): Promise<Result>;
  callTool(
    params: Result,
    options: { onprogress?: (each: number) => void; signal?: AbortSignal },
  ): Promise<Result>;
  getPrompt(params: Result): Promise<Result>;
  readResource(uri: string): Promise<Result>;
  complete(params: Result): Promise<Result>;
  setLevel(level: string): Promise<unknown>;
  /** Listens for what the step is about; the returned function ends that. */
  listen(uri: string | undefined): Promise<() => Promise<unknown>>;
  ping(): Promise<unknown>;
  close(): Promise<void>;
}

/** What the client's handlers keep, and what they answer. */
export interface Notebook {
  answer: Readonly<Record<string, unknown>>;
  asked: string[];
  logged: string[];
  changed: string[];
}

export const newNotebook = (): Notebook => ({ answer: {}, asked: [], logged: [], changed: [] });

const LOG_LEVEL_KEY = 'io.modelcontextprotocol/logLevel';

export async function runSteps(driver: Driver, notebook: Notebook, steps: readonly Step[]): Promise<Seen> {
  const outcomes = new Map<Feature, Outcome>();
  try {
    for (const step of steps) {
      notebook.answer = step.answer ?? {};
      for (const list of [notebook.asked, notebook.logged, notebook.changed]) list.length = 0;
      outcomes.set(step.feature, await outcomeOf(driver, notebook, step));
    }
  } finally {
    await driver.close().catch(() => undefined);
  }
  return { version: driver.version, outcomes };
}

async function outcomeOf(driver: Driver, notebook: Notebook, step: Step): Promise<Outcome> {
  try {
    return await doStep(driver, notebook, step);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    // Codes that are no numbers are the SDK's own.
    return typeof code === 'number' ? { error: code } : { error: message };
  }
}

async function doStep(driver: Driver, notebook: Notebook, step: Step): Promise<Outcome> {
  const { name = '', uri = '' } = step;
  switch (step.do) {
    case 'tools':
    case 'prompts':
    case 'resources':
    case 'templates':
      return { names: await namesOf(driver, step.do) };
    case 'call':
      return call(driver, notebook, step);
    case 'prompt':
      return { text: promptText(await driver.getPrompt({ name, arguments: step.arguments ?? {} })) };
    case 'read':
      return { text: (await driver.readResource(uri)).contents.map((each: Result) => each.text).join('\n') };
    case 'complete': {
      const ref = { type: 'ref/prompt', name };
      return { values: (await driver.complete({ ref, argument: step.argument })).completion.values };
    }
    case 'subscribe':
    case 'changed': {
      const stop = await driver.listen(step.do === 'subscribe' ? uri : undefined);
      await driver.callTool({ name, arguments: step.arguments ?? {} }, {});
      await until(() => notebook.changed.length > 0);
      const told = [...new Set(notebook.changed)];
      await stop();
      return { told };
    }
    case 'cancel':
      return cancel(driver, step);
    case 'ping':
      if (driver.modern) return { none: true };
      await driver.ping();
      return { text: 'pong' };
  }
}

async function namesOf(
  driver: Driver,
  what: 'tools' | 'prompts' | 'resources' | 'templates',
): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await driver.request(what, cursor);
    const list = page.tools ?? page.prompts ?? page.resources ?? page.resourceTemplates;
    names.push(...list.map((each: Result) => each.name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return names.toSorted();
}

async function call(driver: Driver, notebook: Notebook, step: Step): Promise<Outcome> {
  const { name, level, messages = 0 } = step;
  if (level !== undefined && !driver.modern) await driver.setLevel(level);
  const meta = level !== undefined && driver.modern ? { _meta: { [LOG_LEVEL_KEY]: level } } : {};
  const progress: number[] = [];
  const result = await driver.callTool(
    { name, arguments: step.arguments ?? {}, ...meta },
    step.progress ? { onprogress: (each) => progress.push(each) } : {},
  );
  await until(() => notebook.logged.length >= messages);
  return {
    text: textOf(result),
    ...(result.isError ? { isError: true } : {}),
    ...(step.progress ? { progress } : {}),
    ...(notebook.asked.length > 0 ? { asked: [...notebook.asked] } : {}),
    ...(level === undefined ? {} : { logged: [...notebook.logged] }),
  };
}

async function cancel(driver: Driver, { name, arguments: args, after }: Step): Promise<Outcome> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort('cancelled'), CANCEL_AFTER_MS);
  const ended = await driver.callTool({ name, arguments: args ?? {} }, { signal: abort.signal }).then(
    () => 'answered',
    () => (abort.signal.aborted ? 'cancelled' : 'failed'),
  );
  clearTimeout(timer);
  if (after === undefined) return { ended };
  // The server hears of it a moment later.
  let text = '';
  await until(
    async () => (text = textOf(await driver.callTool({ name: after, arguments: {} }, {}))) === 'yes',
  );
  return { ended, text };
}

export const contentText = (content: Result): string => content.text;

const promptText = ({ messages }: Result): string =>
  messages.map(({ content }: Result) => contentText(content)).join('\n');

const textOf = (result: Result): string =>
  (result.content ?? []).map((each: Result) => each.text ?? each.type).join('\n');

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + NOTIFICATION_MS;
  while (!(await holds()) && Date.now() < deadlineMs) await sleep(20);
}
