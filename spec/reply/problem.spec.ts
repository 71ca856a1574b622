import { toProblem } from '../../lib/reply/problem.js';
import { deriveSlot } from '../../lib/session/slot.js';
import { EnvelopeError, ERROR_CATALOGUE, type ErrorCode } from '../../lib/shared/errors.js';

const slotOf = (id?: string) => deriveSlot(id, undefined);

const INTERNAL = {
  type: 'urn:problem-type:express-agent-envelope:internal-error',
  title: 'Internal Server Error',
  status: 500,
  code: 'INTERNAL_ERROR',
  detail: 'The server failed to handle the request',
};

/** An error as `http-errors` makes it. */
const httpError = (members: object) => Object.assign(new Error('the message'), members);

describe('the problem of an EnvelopeError', () => {
  it.each(
    (Object.keys(ERROR_CATALOGUE) as ErrorCode[]).filter(
      (code) => ERROR_CATALOGUE[code].status < 500,
    ),
  )('says what %s is', (code) => {
    expect(toProblem(new EnvelopeError(code, 'This rule is broken'))).toEqual({
      type: `urn:problem-type:express-agent-envelope:${code.toLowerCase().replace(/_/g, '-')}`,
      title: ERROR_CATALOGUE[code].title,
      status: ERROR_CATALOGUE[code].status,
      code,
      detail: 'This rule is broken',
    });
  });

  it('lists the places at fault', () => {
    const errors = [{ pointer: '/session_id', detail: 'is required' }];
    expect(toProblem(new EnvelopeError('SESSION_REQUIRED', 'x', { errors })).errors).toEqual(
      errors,
    );
  });

  it('shows neither the cause nor the stack', () => {
    const cause = new Error('secret cause');
    const problem = toProblem(new EnvelopeError('SESSION_FORBIDDEN', 'no', { cause }));
    expect(JSON.stringify(problem)).not.toMatch(/secret|problem\.spec/);
    expect(Object.keys(problem)).toEqual(['type', 'title', 'status', 'code', 'detail']);
  });

  it('does not reveal a message that is not exposed', () => {
    const error = new EnvelopeError('INTERNAL_ERROR', 'secret: the store at 10.0.0.7 is down');
    expect(error.expose).toBe(false);
    expect(JSON.stringify(toProblem(error))).not.toContain('secret');
  });

  it('is the same for an error of another copy of the package', () => {
    const other = {
      [Symbol.for('express-agent-envelope.error')]: true,
      name: 'EnvelopeError',
      message: '/session_id is required',
      code: 'SESSION_REQUIRED',
      status: 400,
      statusCode: 400,
      expose: true,
      errors: [{ pointer: '/session_id', detail: 'is required' }],
    };
    expect(toProblem(other)).toEqual({
      type: 'urn:problem-type:express-agent-envelope:session-required',
      title: 'A session id is required',
      status: 400,
      code: 'SESSION_REQUIRED',
      detail: '/session_id is required',
      errors: [{ pointer: '/session_id', detail: 'is required' }],
    });
  });

  it.each(['RATE_LIMITED', 'toString', '__proto__'])(
    'keeps the status of a code that only another version of the package has: %s',
    (code) => {
      const newer = Object.assign(
        Object.create({ [Symbol.for('express-agent-envelope.error')]: true }),
        { message: 'Too many runs', code, status: 429, statusCode: 429, expose: true, errors: [] },
      );
      expect(toProblem(newer)).toMatchObject({ status: 429, detail: 'Too many runs' });
    },
  );
});

describe('the problem of an error of body-parser', () => {
  it.each([
    ['entity.parse.failed', 400, 'MALFORMED_JSON'],
    ['entity.too.large', 413, 'BODY_TOO_LARGE'],
    ['encoding.unsupported', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['charset.unsupported', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ] as const)('of type %s is a %i %s and does not quote the body', (type, status, code) => {
    const error = httpError({ type, status, expose: true, message: 'Unexpected token: secret' });
    const problem = toProblem(Object.assign(error, { body: 'secret' }));
    expect(problem).toEqual({
      type: `urn:problem-type:express-agent-envelope:${code.toLowerCase().replace(/_/g, '-')}`,
      title: ERROR_CATALOGUE[code].title,
      status,
      code,
      detail: expect.stringMatching(/^The /),
    });
    expect(JSON.stringify(problem)).not.toContain('secret');
  });
});

describe("the problem of somebody else's error with a status", () => {
  it('shows the message that its author exposes', () => {
    expect(toProblem(httpError({ status: 409, statusCode: 409, expose: true }))).toEqual({
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'HTTP_ERROR',
      detail: 'the message',
    });
  });

  it.each<[string, object]>([
    ['false', { expose: false }],
    ['absent', {}],
    ['not a boolean', { expose: 'true' }],
    ['true for a message that is no text', { expose: true, message: { secret: 'the message' } }],
  ])('shows only the name of the status when expose is %s', (_title, members) => {
    const problem = toProblem(httpError({ status: 503, ...members }));
    expect(problem).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      code: 'HTTP_ERROR',
      detail: 'Service Unavailable',
    });
  });

  it.each<[object, number]>([
    [{ status: 404 }, 404],
    [{ statusCode: 404 }, 404],
    [{ status: 404, statusCode: 410 }, 404],
    [{ status: 200, statusCode: 410 }, 410],
    [{ status: 400 }, 400],
    [{ status: 599 }, 599],
  ])('%j is a %i', (members, status) => {
    expect(toProblem(httpError(members)).status).toBe(status);
    expect(toProblem(members).status).toBe(status);
  });

  it('has a title for a status without a name', () => {
    expect(toProblem({ status: 499 })).toMatchObject({ status: 499, title: 'Error' });
  });
});

describe('the problem of an unknown error', () => {
  it.each<[string, unknown]>([
    ['an Error', new Error('secret')],
    ['an Error with a code', Object.assign(new Error('secret'), { code: 'ECONNREFUSED' })],
    ['an exposed Error without a status', httpError({ expose: true, message: 'secret' })],
    ['an object', { message: 'secret', detail: 'secret', title: 'secret' }],
    ['a string', 'secret'],
    ['a number', 404],
    ['null', null],
    ['undefined', undefined],
    ['a symbol', Symbol('secret')],
    ['a function', () => 'secret'],
  ])('is the same whatever was thrown: %s', (_title, thrown) => {
    expect(toProblem(thrown)).toEqual(INTERNAL);
  });

  it.each<[unknown]>([[200], [302], [399], [600], [-1], [404.5], ['404'], [Number.NaN], [null]])(
    'is a 500 when its status is %p',
    (status) => {
      expect(toProblem(httpError({ status, statusCode: status, expose: true }))).toEqual(INTERNAL);
    },
  );
});

describe('the session on a problem', () => {
  it('is the id of the slot, whatever the error', () => {
    for (const error of [
      new EnvelopeError('INVALID_ENVELOPE', 'x'),
      { status: 404 },
      { type: 'entity.too.large' },
      null,
    ]) {
      expect(toProblem(error, slotOf('conv-1')).session_id).toBe('conv-1');
    }
  });

  it('is left out where there is none', () => {
    expect(toProblem(null, slotOf())).toEqual(INTERNAL);
    expect('session_id' in toProblem(null)).toBe(false);
    expect('trace_id' in toProblem(null)).toBe(false);
  });

  it('is never taken from the error', () => {
    expect(toProblem({ status: 404, session_id: 'x', trace_id: 'x' }, slotOf('conv-1'))).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'HTTP_ERROR',
      detail: 'Not Found',
      session_id: 'conv-1',
    });
  });
});
