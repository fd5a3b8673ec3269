/** Rules in CEL. */
export const RULES_CASES: readonly { policy: string; filter?: object; cases: string }[] = [
  {
    policy: `version: 1
rules:
  - {name: writers, tools: ["*"], allow: 'tool.readOnly || "mcp-admins" in principal.groups'}
  - {name: no-exec, tools: [exec_in_pod], deny: 'true'}`,
    cases: `
      planner  call kubectl_get    => allow policy/rules.writers
      planner  call kubectl_delete => deny policy/rules.writers
      planner  call kubectl_create => deny policy/rules.writers
      operator call kubectl_delete => allow policy/rules.writers
      operator call kubectl_create => allow policy/rules.writers
      operator call exec_in_pod    => deny policy/rules.no-exec
      planner  call exec_in_pod    => deny policy/rules.no-exec
      alice    call kubectl_get    => allow policy/rules.writers
      alice    call kubectl_scale  => deny policy/rules.writers
      nobody   call ping           => allow policy/rules.writers
      nobody   call port_forward   => deny policy/rules.writers
      operator call no_such_tool   => deny tool-unknown
      planner  read file:///a      => allow default
      planner  get  greeting       => allow default`,
  },
  {
    policy: `version: 1
rules:
  - {name: staging, tools: ["kubectl_*"], allow: 'args.namespace == "staging"', message: only staging}
  - {name: few, tools: [kubectl_scale], deny: 'args.replicas > 5'}`,
    cases: `
      planner call kubectl_get {"namespace":"staging"}                   => allow policy/rules.staging
      planner call kubectl_get {"namespace":"prod"}                      => arguments policy/rules.staging
      planner call kubectl_get {}                                        => arguments policy/rules.staging
      planner call kubectl_get {"namespace":null}                        => arguments policy/rules.staging
      planner call kubectl_get {"namespace":["staging"]}                 => arguments policy/rules.staging
      planner call kubectl_get {"Namespace":"staging"}                   => arguments policy/rules.staging
      planner call kubectl_get {"namespace":"staging","Namespace":"prod"} => arguments policy/rules.staging
      planner call kubectl_get {"namespace":"staging","name_space":"p"}  => arguments policy/rules.staging
      planner call kubectl_get {"namespace":"staging","a":{"NameSpace":1}} => arguments policy/rules.staging
      planner call kubectl_get {"namespace":"staging","n":9007199254740993} => arguments policy/rules.staging
      planner call kubectl_scale {"namespace":"staging","replicas":5}    => allow policy/rules.staging
      planner call kubectl_scale {"namespace":"staging","replicas":5.5}  => arguments policy/rules.few
      planner call kubectl_scale {"namespace":"staging","replicas":6}    => arguments policy/rules.few
      planner call kubectl_scale {"namespace":"staging","replicas":1e9}  => arguments policy/rules.few
      planner call kubectl_scale {"namespace":"staging","replicas":"9"}  => arguments policy/rules.few
      planner call kubectl_scale {"namespace":"staging"}                 => arguments policy/rules.few
      planner call kubectl_scale {"replicas":1}                          => arguments policy/rules.staging
      planner call ping {}                                               => allow default
      planner call cleanup {"namespace":"prod"}                          => allow default`,
  },
  {
    policy: `version: 1
rules:
  - {name: by-name, tools: ["*"], allow: 'principal.name == "token:alice"'}
  - {name: by-kind, tools: ["*"], allow: 'principal.kind == "kubernetes" && principal.namespace == "ops"'}
  - {name: by-account, tools: [kubectl_get], allow: 'principal.serviceAccount == "planner"'}`,
    cases: `
      alice    call kubectl_get    => allow policy/rules.by-name
      operator call kubectl_get    => allow policy/rules.by-kind
      planner  call kubectl_get    => allow policy/rules.by-account
      planner  call kubectl_delete => deny policy/rules.by-name
      nobody   call kubectl_get    => deny policy/rules.by-name
      alice    call kubectl_delete => allow policy/rules.by-name
      operator call kubectl_delete => allow policy/rules.by-kind`,
  },
  {
    // Deny wins over every allow; an error of a deny is one, an error of an allow is no allowance.
    policy: `version: 1
rules:
  - {name: all, tools: ["*"], allow: 'true'}
  - {name: broken-allow, tools: ["*"], allow: 'principal.groups[99] == "x"'}
  - {name: broken-deny, tools: [cleanup], deny: 'principal.groups[99] == "x"'}
  - {name: not-bool, tools: [ping], deny: 'args.flag', message: no}
  - {name: address, tools: [kubectl_logs], deny: 'request.address.startsWith("10.")'}
  - {name: method, tools: [kubectl_context], deny: 'request.method == "tools/call"'}`,
    cases: `
      planner call kubectl_get     => allow policy/rules.all
      planner call cleanup         => deny policy/rules.broken-deny
      planner call ping {"flag":true}  => arguments policy/rules.not-bool
      planner call ping {"flag":false} => allow policy/rules.all
      planner call ping {"flag":"x"}   => arguments policy/rules.not-bool
      planner call ping {}             => arguments policy/rules.not-bool
      planner call kubectl_logs    => deny policy/rules.address
      planner call kubectl_context => deny policy/rules.method`,
  },
  {
    policy: `version: 1
rules:
  - {name: only-broken, tools: ["*"], allow: 'principal.groups[99] == "x"'}`,
    cases: `
      planner call kubectl_get => deny policy/rules.only-broken
      nobody  call ping        => deny policy/rules.only-broken`,
  },
  {
    // Lists, optional fields, nesting and globs of arguments.
    policy: `version: 1
tools: {deny: [cleanup]}
rules:
  - {name: paths, tools: [kubectl_apply], deny: 'args.files.exists(f, !f.glob("manifests/*.yaml"))'}
  - {name: kinds, tools: [kubectl_get], deny: 'args.?kind.orValue("pods").lowerAscii() in ["secret", "secrets"]'}
  - {name: dry, tools: [kubectl_delete], allow: 'has(args.options) && has(args.options.dryRun) && args.options.dryRun == true'}
  - {name: size, tools: [kubectl_patch], deny: 'size(args) > 3 || size(args.patch) > 10'}`,
    cases: `
      planner call kubectl_apply {"files":["manifests/a.yaml"]}             => allow default
      planner call kubectl_apply {"files":[]}                               => allow default
      planner call kubectl_apply {"files":["manifests/a.yaml","/etc/x"]}    => arguments policy/rules.paths
      planner call kubectl_apply {"files":"manifests/a.yaml"}               => arguments policy/rules.paths
      planner call kubectl_apply {"files":[1]}                              => arguments policy/rules.paths
      planner call kubectl_apply {}                                         => arguments policy/rules.paths
      planner call kubectl_get {"kind":"pods"}                              => allow default
      planner call kubectl_get {}                                           => allow default
      planner call kubectl_get {"kind":"secrets"}                           => arguments policy/rules.kinds
      planner call kubectl_get {"kind":"SECRET"}                            => arguments policy/rules.kinds
      planner call kubectl_get {"Kind":"secret"}                            => arguments policy/rules.kinds
      planner call kubectl_get {"kind":7}                                   => arguments policy/rules.kinds
      planner call kubectl_delete {"options":{"dryRun":true}}               => allow policy/rules.dry
      planner call kubectl_delete {"options":{"dryRun":false}}              => arguments policy/rules.dry
      planner call kubectl_delete {"options":{"dryRun":"true"}}             => arguments policy/rules.dry
      planner call kubectl_delete {"options":{"dry_run":true}}              => arguments policy/rules.dry
      planner call kubectl_delete {"options":{}}                            => arguments policy/rules.dry
      planner call kubectl_delete {}                                        => arguments policy/rules.dry
      planner call kubectl_patch {"patch":"short"}                          => allow default
      planner call kubectl_patch {"patch":"a long one, this"}               => arguments policy/rules.size
      planner call kubectl_patch {"patch":"a","b":1,"c":1,"d":1}            => arguments policy/rules.size
      planner call cleanup {"files":[]}                                     => deny policy/tools.deny`,
  },
  {
    // Rules see the owner's hints; the mode, patterns and rules intersect.
    policy: `version: 1
tools:
  allow: ["kubectl_*"]
  hints: [{tools: [kubectl_create], readOnly: false}, {tools: [kubectl_context], readOnly: false}]
rules:
  - {name: reads, tools: ["*"], allow: 'tool.readOnly'}
  - {name: harmless, tools: ["*"], deny: 'tool.destructive'}
  - {name: names, tools: ["*"], deny: 'tool.name == "kubectl_logs"'}`,
    cases: `
      planner call kubectl_get       => allow policy/rules.reads
      planner call kubectl_context   => deny policy/rules.harmless
      planner call kubectl_create    => deny policy/rules.harmless
      planner call kubectl_reconnect => deny policy/rules.reads
      planner call kubectl_logs      => deny policy/rules.names
      planner call ping              => deny policy/tools.allow
      planner call cleanup           => deny policy/tools.allow`,
  },
  {
    filter: { mode: 'non-destructive' },
    policy: `version: 1
rules:
  - {name: prompts-too, tools: ["*"], prompts: ["*"], deny: 'principal.kind == "anonymous"'}
  - {name: argued, prompts: [report], allow: 'args.quarter in ["Q1", "Q2"]'}`,
    cases: `
      nobody  call kubectl_get             => deny policy/rules.prompts-too
      nobody  get  greeting                => deny policy/rules.prompts-too
      nobody  read file:///a               => allow default
      planner call kubectl_get             => allow default
      planner call kubectl_delete          => deny mode
      planner get  greeting                => allow default
      planner get  report {"quarter":"Q1"} => allow policy/rules.argued
      planner get  report {"quarter":"Q3"} => arguments policy/rules.argued
      planner get  report {}               => arguments policy/rules.argued
      planner complete:prompt report       => allow policy/rules.argued
      nobody  complete:prompt report       => deny policy/rules.prompts-too`,
  },
];
