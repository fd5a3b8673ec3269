/** Resources, prompts, completion and subscriptions. */
export const THINGS_CASES: readonly { policy: string; filter?: object; cases: string }[] = [
  {
    policy: 'version: 1\nresources: {allow: ["file:///docs/*", "note://today"], deny: ["*secret*"]}',
    cases: `
      planner read        file:///docs/a               => allow policy/resources.allow
      planner read        file:///docs/a/b             => allow policy/resources.allow
      planner read        note://today                 => allow policy/resources.allow
      planner read        note://tomorrow              => deny policy/resources.allow
      planner read        file:///docs/secret          => deny policy/resources.deny
      planner read        file:///docs/%73ecret        => deny policy/resources.deny
      planner read        file:///docs/../etc/passwd   => deny policy/resources.allow
      planner read        file:///docs/%2e%2e/etc      => deny policy/resources.allow
      planner read        file:///docs/..%2fetc        => deny policy/resources.allow
      planner read        FILE:///docs/a               => deny policy/resources.allow
      planner read        file:///docs                 => deny policy/resources.allow
      planner read        file:///docs/%ff             => allow policy/resources.allow
      planner read        file:///docs/{path}          => allow policy/resources.allow
      planner read        file:///{path}               => deny policy/resources.allow
      planner subscribe   file:///docs/a               => allow policy/resources.allow
      planner subscribe   file:///docs/secret          => deny policy/resources.deny
      planner unsubscribe file:///docs/secret          => deny policy/resources.deny
      planner complete:resource file:///docs/{path}    => allow policy/resources.allow
      planner complete:resource file:///{path}         => deny policy/resources.allow
      planner complete:prompt   file:///{path}         => allow default
      planner call        kubectl_delete               => allow default
      planner get         greeting                     => allow default`,
  },
  {
    policy: 'version: 1\nresources: {deny: ["secret://*"]}',
    cases: `
      planner read file:///a        => allow default
      planner read secret://a       => deny policy/resources.deny
      planner read SECRET://a       => deny policy/resources.deny
      planner read secret://a/../b  => deny policy/resources.deny
      planner read not-a-uri        => allow default`,
  },
  {
    policy: 'version: 1\nprompts: {allow: ["greet*"], deny: [greet-admin]}',
    cases: `
      planner get greeting                => allow policy/prompts.allow
      planner get greet-admin             => deny policy/prompts.deny
      planner get other                   => deny policy/prompts.allow
      planner complete:prompt greeting    => allow policy/prompts.allow
      planner complete:prompt greet-admin => deny policy/prompts.deny
      planner complete:resource file:///a => allow default
      planner read file:///a              => allow default`,
  },
  {
    policy: 'version: 1\ncompletion: deny\nsubscriptions: deny',
    cases: `
      planner complete:prompt greeting    => deny policy/completion
      planner complete:resource file:///a => deny policy/completion
      planner subscribe file:///a         => deny policy/subscriptions
      planner unsubscribe file:///a       => allow default
      planner read file:///a              => allow default
      planner get greeting                => allow default`,
  },
  {
    policy: `version: 1
resources: {allow: ["note://*"]}
rules:
  - {name: own-notes, resources: ["note://team/*"], allow: 'resource.uri.startsWith("note://team/" + principal.namespace + "/")'}
  - {name: no-drafts, resources: ["*"], deny: 'resource.uri.endsWith(".draft") && request.method == "resources/read"'}
  - {name: admins-greet, prompts: ["admin-*"], allow: '"mcp-admins" in principal.groups'}`,
    cases: `
      planner  read note://public/a                       => allow policy/resources.allow
      planner  read note://team/agents/a                  => allow policy/rules.own-notes
      planner  read note://team/ops/a                     => deny policy/rules.own-notes
      planner  read note://team/agents/../ops/a           => deny policy/rules.own-notes
      planner  read note://team/agents/%2e%2e/ops/a       => deny policy/rules.own-notes
      operator read note://team/ops/a                     => allow policy/rules.own-notes
      alice    read note://team/agents/a                  => deny policy/rules.own-notes
      nobody   read note://team//a                        => allow policy/rules.own-notes
      planner  read note://public/a.draft                 => deny policy/rules.no-drafts
      planner  read note://public/a%2edraft               => deny policy/rules.no-drafts
      planner  subscribe note://public/a.draft            => allow policy/resources.allow
      planner  read file:///a                             => deny policy/resources.allow
      planner  get admin-report                           => deny policy/rules.admins-greet
      operator get admin-report                           => allow policy/rules.admins-greet
      planner  get greeting                               => allow default
      planner  complete:prompt admin-report               => deny policy/rules.admins-greet
      operator complete:prompt admin-report               => allow policy/rules.admins-greet`,
  },
];
