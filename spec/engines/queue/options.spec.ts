import type { AgentEngine } from '../../../lib/engines/index.js';
import { queue, resumeRun, resumeSession, runWorker } from '../../../lib/engines/queue/index.js';
import { smallEngine } from '../small-engine.js';

/** Nothing is connected before the first run. */
const connection = { host: '127.0.0.1', port: 1 };
const make = {
  queue: (options: unknown) => queue(options as { connection: object }),
  runWorker: (options: unknown) => runWorker(smallEngine(), options as { connection: object }),
  resumeRun: (options: unknown) => resumeRun(options as { connection: object }),
  resumeSession: (options: unknown) => resumeSession(options as never),
};

const WRONG_EVERYWHERE: readonly [what: string, options: unknown, message: RegExp][] = [
  ['no options', undefined, /connection must be/],
  ['no connection', {}, /connection must be/],
  ['a connection that is text', { connection: 'redis://localhost' }, /connection must be/],
  ['a host that is no text', { connection: { host: 7 } }, /connection.host/],
  ['a port that is none', { connection: { port: 'x' } }, /connection.port/],
  ['a URL that is no text', { connection: { url: 7 } }, /connection.url/],
  ['a keyPrefix', { connection: { keyPrefix: 'x:' } }, /use `prefix`/],
  ['another client', { connection: { duplicate() {} } }, /client of ioredis/],
  ['a name with a colon', { connection, name: 'a:b' }, /name/],
  ['a blank name', { connection, name: ' ' }, /name/],
  ['a blank prefix', { connection, prefix: '' }, /prefix/],
  ['an unknown option', { connection, nane: 'x' }, /nane/],
];

describe.each(Object.entries(make))('%s()', (name, create) => {
  it.each(WRONG_EVERYWHERE)('refuses %s', (_what, options, message) => {
    expect(() => create(options)).toThrow(TypeError);
    expect(() => create(options)).toThrow(message);
    expect(() => create(options)).toThrow(name);
  });

  it('never shows what is in the connection', () => {
    const wrong = { connection: { host: 7, password: 'secret' } };
    expect(() => create(wrong)).toThrow(expect.not.objectContaining({ message: /secret/ }));
    expect(() => create({ connection: 'redis://:secret@host' })).not.toThrow(/secret/);
  });
});

describe('queue()', () => {
  it.each([
    ['timeoutMs', 0],
    ['timeoutMs', '5'],
    ['maxEvents', 0],
    ['maxEvents', 1.5],
    ['retentionMs', -1],
    ['onClientLeft', 'stop'],
    ['telemetry', {}],
  ])('refuses %s: %p', (name, value) => {
    expect(() => make.queue({ connection, [name]: value })).toThrow(TypeError);
    expect(() => make.queue({ connection, [name]: value })).toThrow(`queue: ${name}`);
  });

  it('takes an explicit undefined for the default', () => {
    const options = { name: undefined, timeoutMs: undefined, onClientLeft: undefined };
    expect(make.queue({ connection, ...options }).name).toBe('queue');
  });
});

describe('runWorker()', () => {
  it.each([
    ['concurrency', 0],
    ['concurrency', Number.NaN],
    ['maxEvents', 0],
    ['retentionMs', 0],
  ])('refuses %s: %p', (name, value) => {
    expect(() => make.runWorker({ connection, [name]: value })).toThrow(`runWorker: ${name}`);
  });

  it('refuses what is no engine', () => {
    expect(() => runWorker({} as AgentEngine, { connection })).toThrow('runWorker: engine');
  });
});

describe('resumeRun()', () => {
  it('refuses an authorize that is no function', () => {
    expect(() => make.resumeRun({ connection, authorize: true })).toThrow('resumeRun: authorize');
  });
});

describe('resumeSession()', () => {
  const authorize = () => true;

  it.each([
    ['no authorize', {}, 'authorize'],
    ['authorize: undefined', { authorize: undefined }, 'authorize'],
    ['authorize: true', { authorize: true }, 'authorize'],
    ['a reply that is no function', { authorize, reply: 'sse' }, 'reply'],
  ])('refuses %s at the start of the app', (_what, options, place) => {
    expect(() => make.resumeSession({ connection, ...options })).toThrow(TypeError);
    expect(() => make.resumeSession({ connection, ...options })).toThrow(`resumeSession: ${place}`);
  });

  it('is a named handler', () => {
    expect(make.resumeSession({ connection, authorize, reply: undefined }).name).toBe(
      'resumeSession',
    );
  });
});
