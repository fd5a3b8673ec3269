/** Every form that tools return a Secret in, as data; `args` are those of the call that it answers. */
import { stringify } from 'yaml';

export interface Form {
  readonly title: string;
  readonly text: (secret: string) => string;
  readonly args?: object;
  /** Also in `structuredContent`. */
  readonly structured?: (secret: string) => unknown;
  /** What must still be there. */
  readonly keeps?: readonly string[];
  readonly shapedOnly?: true;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const ASKED = { resourceType: 'secrets', namespace: 'ns', output: 'json' };
const asked = (output: string): object => ({ resourceType: 'secret', name: 'db', output });

export const secretOf = (value: string): Record<string, unknown> => ({
  apiVersion: 'v1',
  data: { password: base64(value), user: base64('app') },
  kind: 'Secret',
  metadata: { name: 'db', namespace: 'ns', labels: { app: 'web' } },
  type: 'Opaque',
});
const stringData = (value: string) => ({
  kind: 'Secret',
  metadata: { name: 'db' },
  stringData: { p: value },
});
const listOf = (value: string) => ({
  apiVersion: 'v1',
  items: [secretOf(value), secretOf(value)],
  kind: 'List',
});
const secretList = (value: string) => {
  const { kind: _, type: _type, ...bare } = secretOf(value);
  return { apiVersion: 'v1', items: [bare], kind: 'SecretList' };
};
const applied = (value: string) => ({
  kind: 'Secret',
  metadata: {
    name: 'db',
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(stringData(value)) },
  },
});
const kubeconfig = (value: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'https://c.example' } }],
  users: [{ name: 'u', user: { token: value, 'client-key-data': base64(value), password: value } }],
});
const describeSecret = (value: string) => `Name:         db
Namespace:    ns
Type:  kubernetes.io/service-account-token

Data
====
ca.crt:     1107 bytes
namespace:  2 bytes
token:      ${value}`;
const block = (value: string) => `apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  config.yaml: |
${value
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
  other: x
type: Opaque
`;
const keeps = ['db'];

export const FORMS: readonly Form[] = [
  { title: 'an object as JSON', text: (v) => JSON.stringify(secretOf(v)), keeps: ['db', 'Opaque', 'web'] },
  { title: 'an object as JSON with lines', text: (v) => JSON.stringify(secretOf(v), null, 4), keeps },
  { title: 'stringData as JSON', text: (v) => JSON.stringify(stringData(v)), keeps },
  { title: 'a List as JSON', text: (v) => JSON.stringify(listOf(v), null, 2), keeps },
  { title: 'a SecretList as JSON', text: (v) => JSON.stringify(secretList(v)), keeps },
  {
    title: 'a type and no kind, as JSON',
    text: (v) => JSON.stringify({ ...secretOf(v), kind: undefined }),
    keeps,
  },
  { title: 'last-applied-configuration as JSON', text: (v) => JSON.stringify(applied(v)), keeps },
  {
    title: 'objects in lines of JSON',
    text: (v) => `${JSON.stringify(secretOf(v))}\n${JSON.stringify(secretOf(v))}\n`,
    keeps,
  },
  {
    title: 'JSON behind words',
    text: (v) => `Found 1 secret:\n${JSON.stringify(secretOf(v), null, 2)}\nDone.`,
    keeps: ['db', 'Done.'],
  },
  {
    title: 'JSON in a fence',
    text: (v) => `# db\n\`\`\`json\n${JSON.stringify(secretOf(v), null, 2)}\n\`\`\`\n`,
    keeps,
  },
  {
    title: 'JSON in JSON in JSON',
    text: (v) => JSON.stringify({ out: JSON.stringify({ out: JSON.stringify(secretOf(v)) }) }),
    keeps,
  },
  {
    title: 'JSON that is cut off',
    text: (v) => JSON.stringify({ kind: 'Secret', data: { a: v, b: 'x' } }).slice(0, -6),
  },
  {
    title: 'JSON that is cut off before its kind, asked for',
    args: ASKED,
    text: (v) => JSON.stringify({ data: { a: v, b: 'x' } }).slice(0, -4),
  },
  {
    title: 'JSON with escaped letters',
    text: (v) => JSON.stringify(secretOf(v)).replace('"Secret"', '"\\u0053ecret"'),
    keeps,
  },
  { title: 'an object as YAML', text: (v) => stringify(secretOf(v)), keeps: ['db', 'Opaque', 'web'] },
  { title: 'stringData as YAML', text: (v) => stringify(stringData(v)), keeps },
  { title: 'a List as YAML', text: (v) => stringify(listOf(v)), keeps },
  { title: 'a List as YAML of kubectl', text: (v) => stringify(listOf(v), { indentSeq: false }), keeps },
  { title: 'a SecretList as YAML', text: (v) => stringify(secretList(v), { indentSeq: false }), keeps },
  {
    title: 'last-applied-configuration as YAML',
    text: (v) => stringify(applied(v), { lineWidth: 0 }),
    keeps,
  },
  {
    title: 'documents of YAML',
    text: (v) => `---\n${stringify(secretOf(v))}---\n${stringify(stringData(v))}`,
    keeps,
  },
  { title: 'a block scalar of YAML', text: block, keeps: ['db', 'other', 'Opaque'] },
  {
    title: 'YAML with line ends of Windows',
    text: (v) => stringify(secretOf(v)).replaceAll('\n', '\r\n'),
    keeps,
  },
  { title: 'YAML in a fence', text: (v) => `Here:\n\n\`\`\`yaml\n${stringify(secretOf(v))}\`\`\`\n`, keeps },
  {
    title: 'YAML on one line',
    text: (v) => `{kind: Secret, metadata: {name: db}, data: {p: "${base64(v)}"}}`,
  },
  {
    title: 'YAML with data on one line',
    text: (v) => `kind: Secret\ndata: {p: "${base64(v)}"}\nmetadata: {name: db}\n`,
    keeps,
  },
  {
    title: 'YAML with quoted keys',
    text: (v) => `"kind": "Secret"\n"data":\n  "p": "${base64(v)}"\n`,
  },
  {
    title: 'YAML without its kind, asked for',
    args: ASKED,
    text: (v) => `data:\n  p: ${base64(v)}\n`,
    keeps: ['p'],
  },
  {
    title: 'a structure of Go as JSON',
    text: (v) => JSON.stringify({ Kind: 'Secret', Name: 'db', Data: { p: base64(v) } }),
    keeps,
  },
  {
    title: 'YAML with an anchor',
    text: (v) => `kind: &k Secret\ndata:\n  p: ${base64(v)}\nname: db\n`,
    keeps,
  },
  {
    title: 'a map of Go',
    text: (v) => `map[apiVersion:v1 data:map[p:${base64(v)}] kind:Secret metadata:map[name:db]]`,
  },
  { title: 'jsonpath of one value', args: asked('jsonpath={.data.password}'), text: base64 },
  {
    title: 'jsonpath of the data',
    args: asked('jsonpath={.data}'),
    text: (v) => JSON.stringify({ p: base64(v) }),
  },
  {
    title: 'jsonpath in a field of its own',
    args: { resource: 'secrets', jsonpath: '{.items[*].data}' },
    text: (v) => `{"p":"${base64(v)}"}`,
  },
  {
    title: 'a go-template that decodes',
    args: asked('go-template={{.data.p | base64decode}}'),
    text: (v) => v,
  },
  {
    title: 'a template in a field of its own',
    args: { resource: 'secret/db', template: '{{.data.p}}' },
    text: base64,
  },
  {
    title: 'custom-columns',
    args: asked('custom-columns=N:.metadata.name,D:.data'),
    text: (v) => `N    D\ndb   map[p:${base64(v)}]`,
  },
  {
    title: 'a command that decodes',
    args: { command: "kubectl get secret db -o json | jq -r '.data.p' | base64 -d" },
    text: (v) => v,
  },
  {
    title: 'a command in words',
    args: { args: ['get', 'secret', 'db', '-o', 'jsonpath={.data.p}'] },
    text: base64,
  },
  {
    title: 'describe',
    args: { resourceType: 'secret', name: 'db' },
    text: describeSecret,
    keeps: ['1107 bytes', 'db'],
    shapedOnly: true,
  },
  { title: 'a kubeconfig as YAML', text: (v) => stringify(kubeconfig(v)), keeps: ['c.example'] },
  { title: 'a kubeconfig as JSON', text: (v) => JSON.stringify(kubeconfig(v)), keeps: ['c.example'] },
  {
    title: 'an environment variable',
    text: (v) => `HOME=/root\nTOKEN=${v}\nPATH=/bin\n`,
    keeps: ['HOME=/root', 'PATH=/bin'],
    shapedOnly: true,
  },
  {
    title: 'a log line',
    text: (v) => `2026-01-01 INFO sent "Authorization: Bearer ${v}" in 3 ms`,
    keeps: ['in 3 ms'],
    shapedOnly: true,
  },
  {
    title: 'a ConfigMap',
    text: (v) => stringify({ kind: 'ConfigMap', data: { key: v } }, { lineWidth: 0 }),
    keeps: ['ConfigMap'],
    shapedOnly: true,
  },
  {
    title: 'base64',
    text: (v) => `value: ${base64(v)}\nnext: line\n`,
    keeps: ['next: line'],
    shapedOnly: true,
  },
  {
    title: 'base64 of more',
    text: (v) => `x ${base64(`a: ${v}\nb: 1\n`)} y`,
    keeps: ['x ', ' y'],
    shapedOnly: true,
  },
  {
    title: 'base64 in lines',
    text: (v) => base64(`{"key": "${v}"}`).replace(/.{76}/g, '$&\n'),
    shapedOnly: true,
  },
  { title: 'structured content', text: (v) => JSON.stringify(secretOf(v)), structured: secretOf, keeps },
  {
    title: 'structured content with text',
    text: (v) => stringify(secretOf(v)),
    structured: (v) => ({ yaml: stringify(secretOf(v)) }),
    keeps,
  },
];
