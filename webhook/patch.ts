/** The difference of two pods as the API server takes it: RFC 6902. */
import jsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';

export const patchOf = (before: object, after: object): Operation[] => jsonPatch.compare(before, after);
