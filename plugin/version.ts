import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
/** The image that `install` puts in place unless told otherwise. */
export const DEFAULT_IMAGE = `kubectl-mcp.dev/kubectl-mcp:${VERSION}`;
