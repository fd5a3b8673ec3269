/** Loaded before a process's own code: its clock is off by CLOCK_OFFSET_MS, or by what its parent sends. */
const RealDate = Date;
let offsetMs = Number(process.env['CLOCK_OFFSET_MS'] ?? 0);
const now = (): number => RealDate.now() + offsetMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, as) => Reflect.construct(target, args.length === 0 ? [now()] : args, as) as Date,
  get: (target, key, receiver) => (key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown)),
});
process.on('message', (sent: { offsetMs: number }) => void (offsetMs = sent.offsetMs));
process.channel?.unref();
