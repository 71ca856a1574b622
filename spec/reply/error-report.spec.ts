import { reportOf } from '../../lib/reply/error-report.js';
import { detailsError } from '../../lib/shared/errors.js';

/** The first line of each stack. */
const heads = (error: unknown) =>
  reportOf(error)
    .split('\n')
    .filter((line) => !/^\s+at /.test(line));

const refused = [new Error('connect ::1'), new Error('connect 127.0.0.1')];

describe('the report of an error', () => {
  it.each<[string, unknown, string[]]>([
    ['an error', new Error('a'), ['Error: a']],
    [
      'its causes',
      new Error('a', { cause: new TypeError('b', { cause: 'c' }) }),
      ['Error: a', '[cause] TypeError: b', '[cause] c'],
    ],
    [
      'what an AggregateError is made of',
      new Error('fetch failed', {
        cause: new AggregateError(refused, 'All promises were rejected'),
      }),
      [
        'Error: fetch failed',
        '[cause] AggregateError: All promises were rejected',
        '[errors] Error: connect ::1',
        '[errors] Error: connect 127.0.0.1',
      ],
    ],
    [
      'no details of an EnvelopeError, which its message says',
      detailsError('INVALID_INPUT', [{ pointer: '/x', detail: 'is required' }]),
      ['EnvelopeError: /x is required'],
    ],
    ['what is no error', 7, ['7']],
  ])('has %s', (_what, error, lines) => {
    expect(heads(error).map((line) => line.trim())).toEqual(lines);
  });

  it('ends, whatever is wrapped in itself', () => {
    const error = new AggregateError([], 'a');
    error.cause = error;
    error.errors.push(error, error);
    expect(heads(error)).toHaveLength(5);
  });

  it('survives errors that cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    expect(heads(Object.assign(new Error('a'), { errors: proxy }))).toEqual(['Error: a']);
  });
});
