/** An engine goes in, the cases that every engine must pass come out, for any test runner. */
import { endCases } from './ends.js';
import { eventCases } from './events.js';
import { idCases } from './ids.js';
import { partCases } from './parts.js';
import type { ConformanceCase, ConformanceSubject } from './subject.js';

export type { ConformanceCase, ConformanceSubject, FinishedSpan } from './subject.js';

/**
 * The cases of the engine contract.
 *
 * @param subject - see {@link ConformanceSubject}
 * @returns cases to hand to a test runner
 * @example
 * ```ts
 * for (const { name, test } of conformance({ engine, failingEngine, finishedSpans })) it(name, test);
 * ```
 */
export function conformance(subject: ConformanceSubject): readonly ConformanceCase[] {
  return [...idCases(subject), ...eventCases(subject), ...partCases(subject), ...endCases(subject)];
}
