/** docs/annotations.md, from the table of annotations. */
import { ANNOTATIONS, ANNOTATION_KEYS, scopeOf } from '../../webhook/annotations.ts';
import type { Annotation } from '../../webhook/grammar.ts';
import { PREFIX } from '../../webhook/names.ts';

const INTRODUCTION = `# Annotations

All start with \`${PREFIX}\` and stand on the pod template (\`spec.template.metadata.annotations\`), not on the Deployment
itself. \`${PREFIX}inject: "true"\` alone is enough where the pod has one container with one declared port.

A pod with an unknown key, a value outside the grammar or a key without effect is refused, with the mend in the message:
see the events of its ReplicaSet (\`kubectl describe replicaset\`) and [the reasons](refusals.md). Values are strings: quote numbers.

With several servers in one pod a key may begin with the name of one of them, \`${PREFIX}SERVER.KEY\`
([how](several-servers.md)). The column *For* says of what a key speaks: of the \`pod\`; of each \`server\`, with its name; or of
\`any\` server, where a key without a name is the default of all of them. With one server no name is needed.

Servers that speak stdio have [a page of their own](stdio.md).
`;

export function annotationsDoc(): string {
  const rows = ANNOTATION_KEYS.map((key) => {
    const { allowed, doc, needs, ...entry }: Annotation = ANNOTATIONS[key];
    const absent = entry.default === undefined ? (entry.otherwise ?? '') : `\`${entry.default}\``;
    const only = needs ? ` Only with \`${needs.key}: ${needs.value}\`.` : '';
    return `| \`${key}\` | ${scopeOf(key) ?? 'any'} | ${allowed} | ${absent} | ${doc}${only} |`;
  });
  return [
    INTRODUCTION,
    '| Key | For | Value | When absent | What it does |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
