import type { Input } from './input.ts';
import { advisoryInputs } from './rules/advisories.ts';
import { framingInputs } from './rules/framing.ts';
import { headerInputs } from './rules/headers.ts';
import { honestInputs } from './rules/honest.ts';
import { keyInputs } from './rules/keys.ts';
import { textInputs } from './rules/text.ts';

/** What strict reading is for. */
export const BODIES: readonly Input[] = [...keyInputs, ...textInputs, ...advisoryInputs];
export const INPUTS: readonly Input[] = [...BODIES, ...headerInputs, ...framingInputs, ...honestInputs];
