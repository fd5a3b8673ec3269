import type { Access } from '../access/access.ts';
import { ACCESS_RULE } from '../access/attributes.ts';
import type { ServerConfig } from '../config.ts';
import { decideForSome } from '../filter/decide.ts';
import type { ToolRules } from '../filter/tool-rules.ts';
import type { Pass } from '../passes.ts';
import type { PinsStatus } from '../pins/pins.ts';
import type { Catalogue } from '../upstream/catalogue.ts';
import { createTaskBinding, type DecideTask } from './bind-tasks.ts';
import { createTaskOwners } from './task-owners.ts';
import { createTaskSeal } from './task-seal.ts';

/**
 * Where callers cannot be told apart and every tool is allowed there is nothing to bind tasks to.
 * @param key that the replicas share, where they do
 */
export function taskPasses(
  { name, auth }: Pick<ServerConfig, 'name' | 'auth'>,
  {
    rules,
    catalogue,
    key,
    access,
    pins,
  }: {
    rules: ToolRules;
    catalogue: Pick<Catalogue, 'state'>;
    key: Buffer | undefined;
    access: Access | undefined;
    pins: Pick<PinsStatus, 'ruleOf'> | undefined;
  },
): readonly Pass[] {
  if (auth.mode === 'none' && !rules.any) return [];
  const decide: DecideTask = ({ principal, head }, tool) => {
    if (access && !access.mayUse(tool)) return { allowed: false, rule: ACCESS_RULE };
    const known = catalogue.state().tools?.get(tool);
    const unpinned = known && pins?.ruleOf(tool, known.pin);
    if (unpinned !== undefined) return { allowed: false, rule: unpinned };
    const policy = rules.inForce();
    if (!policy) return { allowed: true, rule: 'default' };
    // A tool that is listed on a session alone has no hints here: the worst ones.
    const facts = known ?? { name: tool, readOnly: false, destructive: true };
    // A token that lacks a scope reads no results that one with it was given.
    return decideForSome(policy, principal, { kind: 'tool', name: tool, tool: facts }, head.remoteAddress);
  };
  const pass = createTaskBinding({ seal: createTaskSeal(name, key), owners: createTaskOwners(), decide });
  if (!access) return [pass];
  const result: Pass['result'] = (exchange) => {
    const editor = pass.result?.(exchange);
    return editor && access.settled(exchange, editor);
  };
  return [{ ...pass, result }];
}
