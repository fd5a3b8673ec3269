import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide, decideForSome, decideListed } from '../../../sidecar/filter/decide.ts';
import { compilePolicy } from '../../../sidecar/filter/policy.ts';
import { policySchema } from '../../../sidecar/filter/policy-schema.ts';
import { CALLERS, TOOLS } from './cases/read-case.ts';

const scopes = fc.uniqueArray(fc.constantFrom('k8s:read', 'k8s:write', 'a'), { minLength: 1 });
const tools = fc.uniqueArray(fc.constantFrom('ping', 'kubectl_*', 'kubectl_get', '*'), { minLength: 1 });
const file = fc.record({
  allow: fc.option(tools, { nil: undefined }),
  deny: fc.option(tools, { nil: undefined }),
  scopes: fc.array(fc.record({ tools, scopes, visible: fc.boolean() }), { minLength: 1, maxLength: 4 }),
});
const compiled = (of: unknown) =>
  compilePolicy({ mode: 'all' }, policySchema.parse(JSON.parse(JSON.stringify({ version: 1, tools: of }))));
const caller = fc.constantFrom(...Object.keys(CALLERS));
const toolName = fc.constantFrom('ping', 'kubectl_get', 'kubectl_delete');

describe('scopes', () => {
  test('hide a tool from the list and from calls alike, or from neither', () => {
    fc.assert(
      fc.property(file, caller, toolName, (of, who, name) => {
        const policy = compiled(of)!;
        const principal = CALLERS[who]!;
        const tool = TOOLS.get(name)!;
        const asked = { method: 'tools/call', target: name, address: '' };
        const called = decide(principal, asked, { tool: () => tool }, policy);
        const listed = decideListed(policy, principal, { kind: 'tool', name, tool }, '');
        assert.equal(listed.allowed, called.allowed || called.needsScopes !== undefined);
      }),
    );
  });

  test('are asked for only where all of them would let the call through', () => {
    fc.assert(
      fc.property(file, caller, toolName, (of, who, name) => {
        const policy = compiled(of)!;
        const tool = TOOLS.get(name)!;
        const thing = { kind: 'tool', name, tool } as const;
        const { needsScopes } = decideForSome(policy, CALLERS[who]!, thing, '');
        if (!needsScopes) return;
        assert.equal(CALLERS[who]!.kind, 'oidc');
        const stepped = { ...CALLERS[who]!, scopes: needsScopes };
        assert.equal(decideForSome(policy, stepped, thing, '').allowed, true);
      }),
    );
  });

  test('never allow what was denied', () => {
    fc.assert(
      fc.property(file, caller, toolName, (of, who, name) => {
        const { scopes: _, ...without } = of;
        const thing = { kind: 'tool', name, tool: TOOLS.get(name)! } as const;
        const open = compiled(without);
        const before = open ? decideForSome(open, CALLERS[who]!, thing, '').allowed : true;
        const after = decideForSome(compiled(of)!, CALLERS[who]!, thing, '').allowed;
        assert.ok(before || !after);
      }),
    );
  });

  test('are printable ASCII without what would break the header that they stand in', () => {
    for (const scope of ['', 'a b', 'a"b', 'a\\b', 'ä', 'a\nb'])
      assert.ok(
        !policySchema.safeParse({ version: 1, tools: { scopes: [{ tools: ['x'], scopes: [scope] }] } })
          .success,
        scope,
      );
  });
});
