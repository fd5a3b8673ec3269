/** Why a pod is refused, in words that a person can act on. */
import { PREFIX } from './names.ts';
import type { RefusalReason } from './reasons.ts';

/** One thing that keeps a pod from being injected, and so from being created. */
export type Refusal = {
  reason: RefusalReason;
  /** The annotation with its prefix. */
  annotation: string;
  /** Absent where the annotation is. */
  value?: string;
  /** What is wrong; follows the value in a sentence. */
  message: string;
  /** What to do. */
  mend: string;
};

export const refuse = (
  reason: RefusalReason,
  key: string,
  value: string | undefined,
  message: string,
  mend: string,
): Refusal => ({
  reason,
  annotation: PREFIX + key,
  ...(value !== undefined && { value }),
  message,
  mend,
});

/** One line for all refusals of a pod, as it stands in the API server's answer and in Events. */
export const refusalText = (refusals: Refusal[]): string =>
  refusals
    .map(({ annotation, value, message, mend }) => {
      const shown = value === undefined ? '' : `: ${JSON.stringify(value.slice(0, 80))}`;
      return `${annotation}${shown} ${message}; ${mend}`;
    })
    .join('. ');
