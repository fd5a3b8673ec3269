/** docs/errors.md, from the table of reasons. */
import { REASONS } from '../../sidecar/reasons.ts';

const INTRODUCTION = `# Errors of the proxy

What the proxy itself answers; everything else is the server's own answer, passed on. Each is a JSON-RPC error with the
id of the request where that could be read, and the audit line of the request carries the outcome. More words may follow
the message: what is wrong with the token, which server does not answer. \`kubectl mcp doctor\` explains the codes in the
last column.
`;

export function errorsDoc(): string {
  const rows = Object.values(REASONS).map((row) => {
    const { status, code, message, outcome } = row;
    return `| ${status} | ${code} | ${message} | \`${outcome}\` | ${'doctorCode' in row ? row.doctorCode : ''} |`;
  });
  return [
    INTRODUCTION,
    '| HTTP status | Code | Message | Audit outcome | Doctor |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
