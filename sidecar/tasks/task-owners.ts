/** Which tool made a caller's tasks of the era of sessions. */
export interface TaskOwners {
  /** @param owner digest of the principal */
  add(owner: string, id: string, tool: string): void;
  /** Undefined for a task that is not this caller's. */
  toolOf(owner: string, id: string): string | undefined;
}

/** Of one caller: beyond it the oldest is forgotten, so that nobody can make another's be. */
const MAX_PER_OWNER = 1_000;
const MAX_OWNERS = 1_000;
/** Servers choose ids; longer ones are not kept, and their tasks are nobody's. */
const MAX_ID_CHARS = 1_024;

/**
 * By caller first: servers may number the tasks of each session from one. Changes with tasks alone: calls that make none
 * do not touch it.
 */
export function createTaskOwners(maxPerOwner = MAX_PER_OWNER, maxOwners = MAX_OWNERS): TaskOwners {
  const owners = new Map<string, Map<string, string>>();
  return {
    add(owner, id, tool) {
      if (id.length > MAX_ID_CHARS) return;
      const tasks = owners.get(owner) ?? new Map<string, string>();
      // Maps keep the order in which keys came: callers who make tasks are kept longest.
      owners.delete(owner);
      if (owners.size >= maxOwners) owners.delete(owners.keys().next().value!);
      owners.set(owner, tasks);
      if (tasks.size >= maxPerOwner) tasks.delete(tasks.keys().next().value!);
      tasks.set(id, tool);
    },
    toolOf: (owner, id) => owners.get(owner)?.get(id),
  };
}
