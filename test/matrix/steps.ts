/** What every client does with every server, as data: the programs of all languages read it. */

export type Feature =
  | 'tools'
  | 'denied tool'
  | 'call'
  | 'progress'
  | 'log'
  | 'elicitation'
  | 'sampling'
  | 'roots'
  | 'prompts'
  | 'completion'
  | 'resources'
  | 'templates'
  | 'read'
  | 'subscription'
  | 'list changed'
  | 'unknown tool'
  | 'missing resource'
  | 'cancel'
  | 'ping';

export interface Step {
  readonly feature: Feature;
  readonly do:
    | 'tools'
    | 'prompts'
    | 'resources'
    | 'templates'
    | 'call'
    | 'prompt'
    | 'read'
    | 'complete'
    /** Asks to be told of `uri`, then calls `name`. */
    | 'subscribe'
    /** Listens, then calls `name`. */
    | 'changed'
    /** Calls `name`, and cancels that; then calls `after`. */
    | 'cancel'
    | 'ping';
  readonly name?: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly uri?: string;
  /** Of a completion; its reference is the prompt `name`. */
  readonly argument?: { readonly name: string; readonly value: string };
  readonly progress?: true;
  /** From which level log messages are wanted; as many as `messages` are waited for. */
  readonly level?: string;
  readonly messages?: number;
  /** The content of the answer to an elicitation. */
  readonly answer?: Readonly<Record<string, unknown>>;
  readonly after?: string;
  /** The part of the text that is compared: the rest is the client's way of writing. */
  readonly picks?: RegExp;
  /** The name in a list that is not compared. */
  readonly ignores?: string;
  /** What a result has in it that is no failure. */
  readonly shows: RegExp;
}

/** What a client saw of a step: `{ none: true }` where its revision has no such thing. */
export type Outcome = Readonly<Record<string, unknown>>;

export interface Seen {
  /** The revision that was agreed on. */
  readonly version: string;
  readonly outcomes: ReadonlyMap<Feature, Outcome>;
}

/** What a sampling client answers, and which root it has: the same in all languages. */
export const SAMPLED = 'forty-two';
export const ROOT = 'file:///here';
/** How long what nobody answers for is waited for. */
export const NOTIFICATION_MS = 2_000;
export const CANCEL_AFTER_MS = 300;
