import { jest } from '@jest/globals';
import {
  configError,
  detailsError,
  EnvelopeError,
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorDetail,
} from '../../lib/shared/errors.js';

const BRAND = Symbol.for('express-agent-envelope.error');

const details = (count: number): ErrorDetail[] =>
  Array.from({ length: count }, (_, i) => ({ pointer: `/inputs/${i}`, detail: 'is required' }));

describe('the catalogue', () => {
  it('gives every code the status that clients rely on', () => {
    const statuses = Object.entries(ERROR_CATALOGUE).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(statuses)).toEqual({
      MALFORMED_JSON: 400,
      NO_ENVELOPE: 400,
      INVALID_ENVELOPE: 400,
      INVALID_FIELD: 400,
      SESSION_REQUIRED: 400,
      SESSION_FORBIDDEN: 403,
      RUN_NOT_FOUND: 404,
      NOT_ACCEPTABLE: 406,
      BODY_TOO_LARGE: 413,
      UNSUPPORTED_MEDIA_TYPE: 415,
      INVALID_INPUT: 422,
      INVALID_OUTPUT: 500,
      ENGINE_FAILED: 502,
      MIDDLEWARE_MISSING: 500,
      INTERNAL_ERROR: 500,
    });
  });

  it('gives every code a title of its own', () => {
    const titles = Object.values(ERROR_CATALOGUE).map(({ title }) => title);
    expect(titles.every((title) => title.length > 0)).toBe(true);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe('EnvelopeError', () => {
  it.each(Object.keys(ERROR_CATALOGUE) as ErrorCode[])(
    'carries what error handlers read for %s',
    (code) => {
      const { status } = ERROR_CATALOGUE[code];
      const error = new EnvelopeError(code, 'a message');
      expect(error).toMatchObject({
        name: 'EnvelopeError',
        message: 'a message',
        code,
        status,
        statusCode: status,
        expose: status < 500,
        errors: [],
      });
      expect(Object.prototype.toString.call(error)).toBe('[object Error]');
      expect(error.stack).toContain('errors.spec');
    },
  );

  it('takes a status that says more than the one of its code', () => {
    const error = new EnvelopeError('ENGINE_FAILED', 'too slow', { status: 504 });
    expect(error).toMatchObject({ status: 504, statusCode: 504, expose: false });
  });

  it('keeps the cause when there is one', () => {
    const cause = new Error('behind it');
    expect(new EnvelopeError('SESSION_FORBIDDEN', 'no', { cause }).cause).toBe(cause);
    expect('cause' in new EnvelopeError('SESSION_FORBIDDEN', 'no')).toBe(false);
  });

  it('keeps the first 8 places and leaves the given list as it is', () => {
    const given = details(20);
    const error = new EnvelopeError('INVALID_INPUT', 'bad', { errors: given });
    expect(error.errors).toEqual(details(8));
    expect(given).toEqual(details(20));
  });

  it.each(['\n', '\r', '\u0000', '\u001b', '\u007f', '\u0085', '\u009f', '\u2028', '\u2029'])(
    'has no control character in its message and its places: %j',
    (control) => {
      const text = `a${control}b`;
      const errors = [{ pointer: `/${text}`, detail: text }];
      const error = new EnvelopeError('INVALID_INPUT', text, { errors });
      const escaped = `a\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}b`;
      expect(error.message).toBe(escaped);
      expect(error.stack).not.toContain(text);
      expect(error.errors).toEqual([{ pointer: `/${escaped}`, detail: escaped }]);
    },
  );

  it('has places that nobody can change', () => {
    const { errors } = new EnvelopeError('INVALID_INPUT', 'bad', { errors: details(1) });
    expect(Object.isFrozen(errors)).toBe(true);
    expect(Object.isFrozen(errors[0])).toBe(true);
  });

  it('cuts a detail to 256 characters', () => {
    const errors = [256, 257].map((length) => ({ pointer: '', detail: 'd'.repeat(length) }));
    const kept = new EnvelopeError('INVALID_INPUT', 'bad', { errors }).errors;
    expect(kept.map(({ detail }) => detail)).toEqual(['d'.repeat(256), `${'d'.repeat(255)}…`]);
  });

  it('cuts a pointer between two segments, so that it still points at an ancestor', () => {
    const fits = `/${'p'.repeat(255)}`;
    const errors = [
      { pointer: fits, detail: 'is wrong' },
      { pointer: `/inputs/${'p'.repeat(300)}/q`, detail: 'is wrong' },
      { pointer: `/inputs/${'p'.repeat(200)}/${'q'.repeat(100)}`, detail: 'is wrong' },
      { pointer: `/${'p'.repeat(256)}`, detail: 'is wrong' },
    ];
    const kept = new EnvelopeError('INVALID_INPUT', 'bad', { errors }).errors;
    expect(kept.map(({ pointer }) => pointer)).toEqual([
      fits,
      '/inputs',
      `/inputs/${'p'.repeat(200)}`,
      '',
    ]);
  });

  it('bounds the length even of what is no JSON Pointer', () => {
    const errors = [{ pointer: 'p'.repeat(1000), detail: 'is wrong' }];
    const [kept] = new EnvelopeError('INVALID_INPUT', 'bad', { errors }).errors;
    expect(kept?.pointer.length).toBeLessThanOrEqual(256);
  });
});

describe('instanceof EnvelopeError', () => {
  it('holds for an object that carries the brand of another copy', () => {
    expect({ [BRAND]: true } instanceof EnvelopeError).toBe(true);
  });

  it('holds both ways between two copies of the package', async () => {
    await jest.isolateModulesAsync(async () => {
      const { EnvelopeError: Second } = await import('../../lib/shared/errors.js');
      expect(Second).not.toBe(EnvelopeError);
      expect(new Second('NO_ENVELOPE', 'none') instanceof EnvelopeError).toBe(true);
      expect(new EnvelopeError('NO_ENVELOPE', 'none') instanceof Second).toBe(true);
    });
  });

  it.each<[string, unknown]>([
    ['another error', new Error('other')],
    ['an object with the same members', { name: 'EnvelopeError', code: 'NO_ENVELOPE' }],
    ['what a client can send', JSON.parse('{"express-agent-envelope.error":true}')],
    ['null', null],
    ['undefined', undefined],
    ['a string', 'EnvelopeError'],
  ])('does not hold for %s', (_title, value) => {
    expect(value instanceof EnvelopeError).toBe(false);
  });

  it('asks for the subclass when a subclass is asked for', () => {
    class QuotaError extends EnvelopeError {}
    const quota = new QuotaError('SESSION_FORBIDDEN', 'over quota');
    expect(quota instanceof EnvelopeError).toBe(true);
    expect(quota instanceof QuotaError).toBe(true);
    expect(new EnvelopeError('NO_ENVELOPE', 'none') instanceof QuotaError).toBe(false);
  });
});

describe('detailsError', () => {
  it('says each place in its message', () => {
    const error = detailsError('INVALID_FIELD', [
      { pointer: '/session_id', detail: 'must be a string' },
      { pointer: '/tenant', detail: 'must be short' },
    ]);
    expect(error).toMatchObject({
      code: 'INVALID_FIELD',
      message: '/session_id must be a string; /tenant must be short',
      errors: [
        { pointer: '/session_id', detail: 'must be a string' },
        { pointer: '/tenant', detail: 'must be short' },
      ],
    });
  });

  it('bounds its message as it bounds its places', () => {
    const long = { pointer: `/a/${'p'.repeat(1000)}`, detail: 'd'.repeat(1000) };
    const error = detailsError(
      'INVALID_INPUT',
      Array.from({ length: 1000 }, () => long),
    );
    expect(error.errors).toHaveLength(8);
    expect(error.message.length).toBeLessThan(8 * 520);
  });
});

describe('configError', () => {
  it('is a TypeError that names the place, the rule and the value', () => {
    const error = configError('agentEnvelope: limit', 'must be a size', 'huge');
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe("agentEnvelope: limit must be a size, got 'huge'");
  });

  it('shows a long or deep value in short', () => {
    const { message } = configError('x', 'must be small', {
      text: 'v'.repeat(5000),
      deep: { er: { inside: 'not shown' } },
    });
    expect(message.length).toBeLessThan(200);
    expect(message).not.toContain('not shown');
  });
});
