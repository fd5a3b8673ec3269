/**
 * `unready`: the headers that the request must have are not there. `refused`: no address took the connection; in both
 * cases the request never left. `timeout`: no byte came for too long. `stalled`: whoever the answer is for took nothing
 * of it for too long. `internal`: what was to take the answer has thrown. `exited`: the server's process has ended.
 * `crowded`: there may be no further one. `token-refused`, `token-unusable`, `token-unavailable`: there is no credential
 * for it, for the caller is given none, for the proxy asks wrongly, and for nobody can be asked. `broken`: everything
 * else.
 */
export type UpstreamFault =
  | 'unready'
  | 'refused'
  | 'timeout'
  | 'stalled'
  | 'internal'
  | 'broken'
  | 'exited'
  | 'crowded'
  | 'token-refused'
  | 'token-unusable'
  | 'token-unavailable';

/** Why a request to the server has no answer, or only a part of one. */
export class UpstreamError extends Error {
  readonly fault: UpstreamFault;
  constructor(message: string, fault: UpstreamFault = 'broken') {
    super(message);
    this.name = 'UpstreamError';
    this.fault = fault;
  }
}
