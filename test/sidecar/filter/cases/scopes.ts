/** Scopes of OAuth. `scope` is what a caller sees, and may use once its token has more. */
export const SCOPES_CASES: readonly { policy: string; filter?: object; cases: string }[] = [
  {
    policy: `version: 1
tools:
  scopes:
    - {tools: ["kubectl_*"], scopes: [k8s:read]}
    - {tools: [kubectl_delete, kubectl_apply], scopes: [k8s:write], visible: true}
    - {tools: [ping], scopes: [k8s:read, k8s:ping], visible: true}`,
    cases: `
      reader  call kubectl_get    => allow default
      reader  call kubectl_delete => scope policy/tools.scopes k8s:read k8s:write
      reader  call ping           => scope policy/tools.scopes k8s:read k8s:ping
      writer  call kubectl_delete => allow default
      writer  call ping           => scope policy/tools.scopes k8s:read k8s:ping
      guest   call kubectl_get    => deny policy/tools.scopes
      guest   call kubectl_delete => deny policy/tools.scopes
      guest   call ping           => scope policy/tools.scopes k8s:read k8s:ping
      guest   call cleanup        => allow default
      reader  call no_such_tool   => deny tool-unknown
      planner call kubectl_get    => deny policy/tools.scopes
      planner call ping           => deny policy/tools.scopes
      alice   call ping           => deny policy/tools.scopes
      nobody  call ping           => deny policy/tools.scopes
      nobody  call cleanup        => allow default
      guest   read file:///a      => allow default
      guest   get  greeting       => allow default`,
  },
  {
    // Whatever else denies, hides: nobody is asked for a scope in vain.
    filter: { denyTools: ['cleanup'] },
    policy: `version: 1
tools:
  deny: [exec_in_pod]
  mode: non-destructive
  hints: [{tools: [kubectl_scale], destructive: false}]
  scopes: [{tools: ["*"], scopes: [k8s:write], visible: true}]
rules:
  - {name: not-here, tools: [kubectl_logs], deny: 'true'}
  - {name: few, tools: [kubectl_scale], deny: 'args.replicas > 5'}`,
    cases: `
      reader call cleanup                      => deny deny-tools
      reader call exec_in_pod                  => deny policy/tools.deny
      reader call kubectl_delete               => deny policy/tools.mode
      reader call kubectl_logs                 => deny policy/rules.not-here
      reader call kubectl_scale {"replicas":6} => arguments policy/rules.few
      reader call kubectl_scale {"replicas":1} => scope policy/tools.scopes k8s:write
      writer call kubectl_scale {"replicas":1} => allow default
      writer call kubectl_scale {"replicas":6} => arguments policy/rules.few
      writer call kubectl_logs                 => deny policy/rules.not-here`,
  },
  {
    // Hidden is stronger than visible, and than a word on arguments.
    policy: `version: 1
tools:
  scopes:
    - {tools: [kubectl_scale, ping], scopes: [a], visible: true}
    - {tools: [kubectl_scale], scopes: [k8s:write]}
rules:
  - {name: few, tools: [kubectl_scale], deny: 'args.replicas > 5'}`,
    cases: `
      reader  call kubectl_scale {"replicas":6} => deny policy/tools.scopes
      reader  call kubectl_scale {"replicas":1} => deny policy/tools.scopes
      writer  call kubectl_scale {"replicas":1} => scope policy/tools.scopes a k8s:write
      writer  call kubectl_scale {"replicas":6} => arguments policy/rules.few
      planner call kubectl_scale {"replicas":6} => deny policy/tools.scopes`,
  },
];
