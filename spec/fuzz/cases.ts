/** How many cases a property gets, and what every case is checked for. */
import fc from 'fast-check';

/**
 * `npm run test:fuzz` looks for what nobody thought of, and makes what it finds small; `npm test` runs the same cases each time, so
 * that it fails for nobody's luck, and stops at the first.
 */
const LONG = process.env.npm_lifecycle_event === 'test:fuzz';
const CASES = Number(process.env.FUZZ_CASES ?? (LONG ? 100_000 : 3_000));
const PROPERTIES = 6;

const prototypes = [Object.prototype, Array.prototype, Function.prototype, Promise.prototype];
/** Each member, by its name and what it is. */
const members = () =>
  prototypes.flatMap((prototype) => {
    const own = Object.getOwnPropertyDescriptors(prototype) as Record<
      PropertyKey,
      PropertyDescriptor
    >;
    return Reflect.ownKeys(own).flatMap((key) => [key, own[key]?.value ?? own[key]?.get]);
  });
const before = members();
const isAsBefore = (now: readonly unknown[]) =>
  now.length === before.length && now.every((member, i) => member === before[i]);

/** What nobody awaited: Node would end the process. */
const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));

/** A spec of one property: its share of the cases, each in a process that is as it was. */
export function property<T>(
  title: string,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
): void {
  const run = async () => {
    const asserted = fc.asyncProperty(arbitrary, async (value) => {
      await check(value);
      if (!isAsBefore(members())) throw new Error('a prototype has changed');
      const [error] = unhandled.splice(0);
      if (error !== undefined) throw new Error('an unhandled rejection', { cause: error });
    });
    const numRuns = Math.ceil(CASES / PROPERTIES);
    await fc.assert(asserted, LONG ? { numRuns } : { numRuns, seed: 1, endOnFailure: true });
  };
  // Against a property that hangs: one that is given up goes on, and would meddle with the next.
  it(title, run, 600_000 + CASES * 100);
}
