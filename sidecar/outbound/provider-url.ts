import * as z from 'zod';

/** Plain HTTP to this machine alone: a provider that is tried out. */
const SECURE = /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$))/;

/** Of what is asked for keys and tokens. */
export const providerUrl = z
  .string()
  .max(2_048)
  .regex(/^[!-~]+$/)
  .regex(SECURE, 'is a URL of https, or of http on localhost')
  .refine((text) => URL.canParse(text) && new URL(text).username === '', 'is a URL without a user');
