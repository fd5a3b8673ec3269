/** What annotations are written in: pieces of the table's grammar, each with its own words. */
import { z } from 'zod';

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
