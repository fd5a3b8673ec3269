/** What annotations are written in: pieces of the table's grammar, each with its own words. */
import { z } from 'zod';

/** A row of the table of annotations. */
export type Annotation = {
  /** From the annotation's text to the value that the code uses. */
  grammar: z.ZodType<unknown, string>;
  /** The grammar in words; completes "set it to …". */
  allowed: string;
  /** The text that an absent annotation stands for. */
  default?: string;
  /** In docs instead of a default: what is done when the annotation is absent. */
  otherwise?: string;
  /** Without this the annotation has no effect, and is refused. */
  needs?: { key: string; value: string };
  /** Another way to say the same: refused beside it. */
  insteadOf?: string;
  /**
   * `pod`: of the whole pod. `server`: of one server, so that no key without a name says it for several. Absent: of one
   * server, and without a name the default of all.
   */
  scope?: 'pod' | 'server';
  /** One line for docs and completion. */
  doc: string;
};

export const oneOf = <const T extends string>(...values: T[]) => ({
  grammar: z.enum(values),
  allowed: values.map((each) => `"${each}"`).join(' or '),
});

export const dnsName = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
export const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);

export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));

export const portNumber = whole(1, 65535);
/** IANA_SVC_NAME: what Kubernetes takes as the name of a port. */
export const portName = z.string().regex(/^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/);

export const listOf = <T extends z.ZodType<unknown, string>>(item: T) =>
  z
    .string()
    .transform((text) => text.split(',').map((each) => each.trim()))
    .pipe(z.array(item).min(1));

/** Browsers leave out the port that the scheme has anyway: such an origin would match nothing. */
export const isOriginOfBrowsers = (text: string): boolean =>
  !/^http:.*:80$|^https:.*:443$/.test(text) && (text === '*' || URL.canParse(text));

/** As Go writes it: whole hours, minutes and seconds, in this order. */
export const durationMs = (minMs: number, maxMs: number) =>
  z
    .string()
    .regex(/^(?=\d)(\d{1,5}h)?(\d{1,5}m)?(\d{1,6}s)?$/)
    .transform((text) => {
      const count = (unit: string): number => Number(new RegExp(`(\\d+)${unit}`).exec(text)?.[1] ?? 0);
      return ((count('h') * 60 + count('m')) * 60 + count('s')) * 1_000;
    })
    .pipe(z.int().min(minMs).max(maxMs));

/** The URL as clients write it; what else a URL can hold would be ignored. */
export const httpUrl = z
  .string()
  .regex(/^https?:\/\/[!-~]{1,2048}$/)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { username, password, hash, search } = new URL(text);
    return [username, password, hash, search].every((each) => each === '');
  });

/** `VOLUME` or `VOLUME/DIR`; a directory of the volume, never above it. */
export const volumeDirectory = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\/(?!\.)[A-Za-z0-9._-]{1,253}){0,16}$/)
  .transform((text) => {
    const [volume = '', ...directories] = text.split('/');
    return { volume, directory: directories.join('/') };
  });

/** `NAME=VALUE` of an environment. */
export const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}=[ -~]{0,512}$/)
  .transform((text) => {
    const at = text.indexOf('=');
    return { name: text.slice(0, at), value: text.slice(at + 1) };
  });

/** A command line without quotes: what would need them is not written here. */
export const words = z
  .string()
  .regex(/^(?=.{1,1024}$)[!#-&(-~]+( [!#-&(-~]+)*$/)
  .transform((text) => text.split(' '));

/** A command as a container's: a JSON array of strings. What a process cannot be given is not written here. */
export const commandLine = z
  .string()
  .max(16_384)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string().refine((word) => !word.includes('\0') && word.isWellFormed())).max(1_024))
  .refine(([program]) => program !== '');

/** `NAME=VALUE` in lines of their own; a name stands once. */
export const variableLines = z
  .string()
  .max(16_384)
  .transform((text) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  )
  .pipe(
    z
      .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}=[^\p{Cc}]*$/u))
      .min(1)
      .max(128),
  )
  .transform((lines) =>
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  .refine((pairs) => new Set(pairs.map(([name]) => name)).size === pairs.length)
  .transform((pairs) => Object.fromEntries(pairs) as Record<string, string>);

/** An image as a container names it, with the digest that it had. */
export const imageWithDigest = z.string().regex(/^[!-?A-~]{1,512}@sha256:[0-9a-f]{64}$/);
