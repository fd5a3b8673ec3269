import packageJson from '../package.json' with { type: 'json' };

/** The version that `/health`, the audit record and `kubectl mcp version` tell. */
export const VERSION: string = packageJson.version;
