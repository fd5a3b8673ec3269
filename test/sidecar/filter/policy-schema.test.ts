import { test } from 'node:test';
import * as z from 'zod';
import { policySchema } from '../../../sidecar/filter/policy-schema.ts';
import { assertGolden } from '../../webhook/golden.ts';

const FILE = new URL('../../../docs/policy.schema.json', import.meta.url);

test('docs/policy.schema.json is what policy files may hold', () => {
  // As a writer sees it: what has a default may be left out.
  const schema = { title: 'Policy of kubectl-mcp', ...z.toJSONSchema(policySchema, { io: 'input' }) };
  assertGolden(FILE, `${JSON.stringify(schema, undefined, 2)}\n`);
});
