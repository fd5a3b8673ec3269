/** Why a request of the sidecar's own has no answer. The words name the origin and the cause, and nothing secret. */
export class OutboundError extends Error {
  /** `https://HOST[:PORT]` */
  readonly origin: string;
  constructor(origin: string, words: string, options?: ErrorOptions) {
    super(`${origin}: ${words}`, options);
    this.name = 'OutboundError';
    this.origin = origin;
  }
}
