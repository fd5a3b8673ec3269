/** Tools: patterns, modes and hints. */
export const TOOLS_CASES: readonly { policy: string; filter?: object; cases: string }[] = [
  {
    policy: 'version: 1',
    cases: `
      nobody  call kubectl_delete => allow default
      planner call no_such_tool   => allow default
      planner read file:///a      => allow default
      planner get  greeting       => allow default
      planner list anything       => allow default`,
  },
  {
    // The rules of the server's own ALLOW_ONLY_READONLY_TOOLS, and what that lets through.
    policy: 'version: 1\ntools: {mode: read-only}',
    cases: `
      planner call ping               => allow default
      planner call kubectl_get        => allow default
      planner call kubectl_describe   => allow default
      planner call kubectl_logs       => allow default
      planner call kubectl_context    => allow default
      planner call explain_resource   => allow default
      planner call list_api_resources => allow default
      planner call kubectl_reconnect  => deny policy/tools.mode
      planner call cleanup            => deny policy/tools.mode
      planner call exec_in_pod        => deny policy/tools.mode
      planner call kubectl_apply      => deny policy/tools.mode
      planner call kubectl_create     => deny policy/tools.mode
      planner call kubectl_delete     => deny policy/tools.mode
      planner call kubectl_generic    => deny policy/tools.mode
      planner call kubectl_patch      => deny policy/tools.mode
      planner call kubectl_rollout    => deny policy/tools.mode
      planner call kubectl_scale      => deny policy/tools.mode
      planner call node_management    => deny policy/tools.mode
      planner call install_helm_chart => deny policy/tools.mode
      planner call port_forward       => deny policy/tools.mode
      planner call stop_port_forward  => deny policy/tools.mode
      planner call no_such_tool       => deny tool-unknown
      planner call Kubectl_get        => deny tool-unknown
      planner call __proto__          => deny tool-unknown
      planner call constructor        => deny tool-unknown`,
  },
  {
    policy: 'version: 1\ntools: {mode: non-destructive}',
    cases: `
      planner call ping              => allow default
      planner call kubectl_get       => allow default
      planner call kubectl_reconnect => allow default
      planner call exec_in_pod       => deny policy/tools.mode
      planner call kubectl_apply     => deny policy/tools.mode
      planner call kubectl_create    => deny policy/tools.mode
      planner call kubectl_delete    => deny policy/tools.mode
      planner call kubectl_generic   => deny policy/tools.mode
      planner call port_forward      => deny policy/tools.mode
      planner call stop_port_forward => deny policy/tools.mode
      planner call cleanup           => deny policy/tools.mode
      planner call node_management   => deny policy/tools.mode`,
  },
  {
    policy: 'version: 1\ntools: {allow: ["kubectl_*", ping], deny: ["*_delete", kubectl_generic], mode: all}',
    cases: `
      planner call kubectl_get     => allow policy/tools.allow
      planner call kubectl_apply   => allow policy/tools.allow
      planner call kubectl_create  => allow policy/tools.allow
      planner call ping            => allow policy/tools.allow
      planner call kubectl_delete  => deny policy/tools.deny
      planner call kubectl_generic => deny policy/tools.deny
      planner call exec_in_pod     => deny policy/tools.allow
      planner call port_forward    => deny policy/tools.allow`,
  },
  {
    // Unlike ALLOWED_TOOLS of the server, a list of allowed tools does not override the mode.
    policy: 'version: 1\ntools: {allow: [kubectl_get, kubectl_delete], mode: read-only}',
    cases: `
      planner call kubectl_get    => allow policy/tools.allow
      planner call kubectl_delete => deny policy/tools.mode
      planner call kubectl_logs   => deny policy/tools.allow`,
  },
  {
    policy: 'version: 1\ntools: {allow: []}',
    cases: `
      planner call kubectl_get => deny policy/tools.allow
      planner call ping        => deny policy/tools.allow`,
  },
  {
    policy: 'version: 1\ntools: {deny: ["*"]}',
    cases: `
      planner call kubectl_get => deny policy/tools.deny
      planner call ping        => deny policy/tools.deny`,
  },
  {
    policy: 'version: 1\ntools: {allow: ["kubectl_???", "p?ng"]}',
    cases: `
      planner call kubectl_get  => allow policy/tools.allow
      planner call kubectl_logs => deny policy/tools.allow
      planner call ping         => allow policy/tools.allow
      planner call cleanup      => deny policy/tools.allow`,
  },
  {
    // A server that lies, and one that forgets.
    policy: `version: 1
tools:
  mode: read-only
  hints:
    - {tools: [kubectl_context], readOnly: false}
    - {tools: [stop_port_*], readOnly: true}
    - {tools: ["stop_*"], readOnly: false}`,
    cases: `
      planner call kubectl_context   => deny policy/tools.mode
      planner call stop_port_forward => allow default
      planner call port_forward      => deny policy/tools.mode
      planner call kubectl_get       => allow default
      planner call kubectl_delete    => deny policy/tools.mode`,
  },
  {
    policy: `version: 1
tools:
  mode: non-destructive
  hints:
    - {tools: [port_forward, stop_port_forward], destructive: false}
    - {tools: [kubectl_logs], destructive: true}
    - {tools: [kubectl_get], readOnly: false}
    - {tools: [kubectl_reconnect], readOnly: true}`,
    cases: `
      planner call port_forward      => allow default
      planner call stop_port_forward => allow default
      planner call kubectl_logs      => deny policy/tools.mode
      planner call kubectl_get       => deny policy/tools.mode
      planner call kubectl_reconnect => allow default
      planner call kubectl_create    => deny policy/tools.mode`,
  },
  {
    // Annotations and file: both must let a tool through.
    filter: { allowTools: ['kubectl_*'], denyTools: ['kubectl_logs'], mode: 'read-only' },
    policy: 'version: 1\ntools: {deny: [kubectl_context]}',
    cases: `
      planner call kubectl_get     => allow allow-tools
      planner call kubectl_logs    => deny deny-tools
      planner call kubectl_apply   => deny mode
      planner call ping            => deny allow-tools
      planner call kubectl_context => deny policy/tools.deny`,
  },
];
