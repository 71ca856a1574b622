import { resolveRunSessionId } from '../../lib/index.js';

describe('resolveRunSessionId', () => {
  it.each(['conv-1', ' conv-1 ', '0', 'not valid on the wire!', 'x'.repeat(1000)])(
    'returns the id of the request as it is: %j',
    (sessionId) => {
      expect(resolveRunSessionId({ sessionId }, 'engine-1')).toBe(sessionId);
    },
  );

  it.each<[string, { sessionId?: string | null | undefined }]>([
    ['absent', {}],
    ['undefined', { sessionId: undefined }],
    ['null', { sessionId: null }],
    ['empty', { sessionId: '' }],
    ['blank', { sessionId: ' \t\n' }],
  ])('falls back to the id of the engine when the id is %s', (_title, request) => {
    expect(resolveRunSessionId(request, 'engine-1')).toBe('engine-1');
  });

  it('returns the fallback as it is, too', () => {
    expect(resolveRunSessionId({}, '')).toBe('');
    expect(resolveRunSessionId({ sessionId: ' ' }, ' engine ')).toBe(' engine ');
  });

  it('takes a value of another type for absent: no engine may be marked by it', () => {
    expect(resolveRunSessionId({ sessionId: 7 as never }, 'engine-1')).toBe('engine-1');
  });
});
