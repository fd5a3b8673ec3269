import { test } from 'node:test';
import * as z from 'zod';
import { configSchema } from '../../sidecar/config.ts';
import { assertGolden } from '../webhook/golden.ts';

const FILE = new URL('../../docs/sidecar-config.schema.json', import.meta.url);

test('docs/sidecar-config.schema.json is what the sidecar reads', () => {
  // As a writer sees it: what has a default may be left out.
  const schema = z.toJSONSchema(configSchema, { io: 'input' });
  assertGolden(FILE, `${JSON.stringify(schema, undefined, 2)}\n`);
});
