/** The page that explains every code, made from the checks. Pure. */
import { type Check, CATEGORIES } from './check.ts';

const INTRO = `# kubectl mcp doctor

<!-- Made from plugin/doctor/checks; UPDATE_GOLDEN=1 writes it anew. -->

\`kubectl mcp doctor\` looks at the installation and at the enabled workloads of a namespace (\`-A\`: of all), or at
one workload (\`kubectl mcp doctor deployment/NAME\`), and changes nothing. With \`--probe\` it starts a pod for a
moment that dials the servers' own ports, and deletes it again.

- \`√\` holds, \`‼\` is a warning, \`×\` is an error, \`-\` was not checked and says why.
- Exit code 0: no errors. 1: errors were found. 2: it could not run.
- \`-o json\` gives the same for programs, \`-o short\` what did not pass.

What you may not read is said and its checks are skipped. What one cause explains is told once.
`;

export function doctorPage(checks: readonly Check[]): string {
  const sections = CATEGORIES.map((category) =>
    [`## ${category}`, ...checks.filter((each) => each.category === category).map(entry)].join('\n\n'),
  );
  return `${[INTRO.trimEnd(), ...sections].join('\n\n')}\n`;
}

const entry = ({ code, title, severity, about, remedy }: Check): string =>
  [
    `### ${code}`,
    `Holds when ${title}. Otherwise ${article(severity)}.`,
    about,
    `**What to do.** ${remedy}`,
  ].join('\n\n');

const article = (severity: string): string => (severity === 'error' ? 'an error' : 'a warning');
