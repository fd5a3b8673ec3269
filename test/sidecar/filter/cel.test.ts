import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileRule } from '../../../sidecar/filter/rules.ts';
import { readPolicy } from '../../../sidecar/filter/read-policy.ts';

const faultOf = (deny: string, about: object = { tools: ['*'] }) => {
  const rule = compileRule({ name: 'a', deny, ...about });
  return 'fault' in rule ? rule.fault : undefined;
};

describe('an expression', () => {
  for (const [deny, fault, about] of [
    ['args.a ==', /^deny: Unexpected token/],
    ['args.a', undefined],
    ['1 + 1', /^deny: comes to int, not to true or false$/],
    ['user.name == "a"', /^deny: Unknown variable: user$/],
    ['principal.group == "a"', /^deny: principal has no field "group"; it has name, kind/],
    ['tool.hints', /^deny: tool has no field "hints"; it has name, readOnly, destructive$/],
    ['resource.uri == "a"', /^deny: Unknown variable: resource$/],
    ['args.a == "a"', /^deny: Unknown variable: args$/, { resources: ['*'] }],
    ['tool.readOnly', /^deny: Unknown variable: tool$/, { tools: ['*'], prompts: ['*'] }],
    ['args.a.matches("(a+)+$")', /^deny: matches\(\) is not offered/],
    ['[1].exists(i, args.a.matches("a"))', /^deny: matches\(\) is not offered/],
    ['args.a.all(x, args.b.all(y, x < y))', /^deny: all\(\) stands within another/],
    ['args.a.map(x, args.b.filter(y, x < y)) == []', /^deny: filter\(\) stands within another/],
    ['args.a.filter(x, x > 1).all(x, x < 9)', undefined],
    [`${'('.repeat(60)}true${')'.repeat(60)}`, /^deny: Exceeded maxDepth/],
    [Array.from({ length: 300 }, () => 'true').join(' || '), /^deny: /],
  ] as [string, RegExp | undefined, object?][])
    test(`${deny.slice(0, 60)} ${fault ? 'is refused' : 'is one'}`, () => {
      const found = faultOf(deny, about);
      if (fault) assert.match(found ?? '', fault);
      else assert.equal(found, undefined);
    });
});

describe('a policy file with rules', () => {
  test('says in which line a rule is wrong', () => {
    const text = `version: 1
rules:
  - {name: good, tools: ["*"], deny: 'tool.readOnly'}
  - name: bad
    tools: ["*"]
    deny: 'tool.readOnli'`;
    assert.deepEqual(readPolicy(text, compileRule), {
      faults: ['rules.1.deny: tool has no field "readOnli"; it has name, readOnly, destructive (line 4)'],
    });
  });

  for (const [what, rule, fault] of [
    ['without an effect', '{name: a, tools: ["*"]}', /needs either allow or deny/],
    [
      'with both effects',
      '{name: a, tools: ["*"], allow: "true", deny: "true"}',
      /needs either allow or deny/,
    ],
    ['about nothing', '{name: a, deny: "true"}', /needs tools, resources or prompts/],
    ['of a name that is none', '{name: "A b", tools: ["*"], deny: "true"}', /is lower case letters/],
    [
      'of another’s name',
      '{name: a, tools: ["*"], deny: "true"}, {name: a, tools: ["*"], deny: "true"}',
      /rules.1.name: "a": is the name of another rule/,
    ],
  ] as const)
    test(`${what} is none`, () => {
      const read = readPolicy(`version: 1\nrules: [${rule}]`);
      assert.match('faults' in read ? read.faults.join('\n') : '', fault);
    });

  test('of URLs wants the host by itself', () => {
    for (const [url, isOne] of [
      ['https://login.example.com', true],
      ['https://*.example.com:8443/login/*', true],
      ['http://localhost:*/', false],
      ['*', false],
      ['https://user@example.com/', false],
      ['javascript:*', false],
    ] as const) {
      const read = readPolicy(`version: 1\nelicitation: {urls: {allow: ["${url}"]}}`);
      assert.equal('policy' in read, isOne, url);
    }
  });
});
