/** The smallest input near to this one that still fails, by leaving out ever smaller pieces, within a time. */
export async function minimise(
  input: Buffer,
  fails: (input: Buffer) => Promise<boolean>,
  timeoutMs: number,
): Promise<Buffer> {
  const deadlineMs = Date.now() + timeoutMs;
  let best = input;
  for (let size = Math.max(1, best.length >> 1); ; size = Math.max(1, size >> 1)) {
    let smaller = false;
    for (let at = 0; at < best.length && Date.now() < deadlineMs;) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (await fails(candidate)) {
        best = candidate;
        smaller = true;
      } else at += size;
    }
    if ((size === 1 && !smaller) || Date.now() >= deadlineMs) return best;
  }
}
