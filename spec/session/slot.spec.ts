import { context, createContextKey, diag, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import express from 'express';
import {
  agentEnvelope,
  bind,
  getEnvelopeFields,
  getSessionId,
  problemDetails,
  sessionId,
  setSessionId,
  withSessionId,
} from '../../lib/index.js';
import { activeSlot, adoptSessionId, deriveSlot, runInSlot } from '../../lib/session/slot.js';
import { gate, post } from '../helpers.js';

const warnings: string[] = [];

beforeAll(() => {
  diag.setLogger({
    error: () => {},
    // What a logger throws does no harm to what is reported.
    warn: (message) => {
      warnings.push(message);
      throw new Error('no log today');
    },
    info: () => {},
    debug: () => {},
    verbose: () => {},
  });
});
afterAll(() => {
  diag.disable();
});

/** The same rules hold with OTel's context manager and, by the second source, without one. */
describe.each([
  ['without a context manager', false],
  ['with a context manager', true],
])('the session %s', (_name, managed) => {
  beforeAll(() => {
    if (managed) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => {
    context.disable();
  });

  it('is there synchronously, after an await and in a timer, and gone outside', async () => {
    expect(getSessionId()).toBeUndefined();
    const seen = await withSessionId('conv-1', async () => {
      const sync = getSessionId();
      await Promise.resolve();
      const awaited = getSessionId();
      const timed = await new Promise((resolve) => setTimeout(() => resolve(getSessionId()), 1));
      return [sync, awaited, timed];
    });
    expect(seen).toEqual(['conv-1', 'conv-1', 'conv-1']);
    expect(getSessionId()).toBeUndefined();
  });

  it('is the inner one when sessions are nested, and the outer one after that', () => {
    withSessionId('outer', () => {
      expect(withSessionId('inner', getSessionId)).toBe('inner');
      expect(getSessionId()).toBe('outer');
    });
  });

  it.each([null, undefined, '', '  '])('runs without an id for %j', (blank) => {
    withSessionId('outer', () => {
      expect(withSessionId(blank, getSessionId)).toBeUndefined();
      expect(withSessionId(blank, getEnvelopeFields)).toEqual({});
    });
  });

  it('hands on what the function returns and throws', () => {
    expect(withSessionId('a', () => 7)).toBe(7);
    expect(() =>
      withSessionId('a', () => {
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
  });

  it('keeps the further fields of the request when the id is set anew', async () => {
    const app = express();
    app.use(agentEnvelope({ fields: [sessionId, 'tenant'] }));
    app.post('/', (_req, res) => {
      res.json(withSessionId('other', getEnvelopeFields));
    });
    const reply = await post(app, { session_id: 'one', tenant: 'acme' });
    expect(reply.body).toEqual({ session_id: 'other', tenant: 'acme' });
  });

  it('is kept apart for interleaved requests, also in handlers that wait for each other', async () => {
    const app = express();
    const both = gate();
    let arrived = 0;
    app.use(agentEnvelope());
    app.post('/', async (_req, res) => {
      const before = getSessionId();
      arrived += 1;
      if (arrived === 2) both.open();
      await both.opened;
      res.json([before, getSessionId(), getEnvelopeFields()]);
    });
    const [one, two] = await Promise.all(
      ['one', 'two'].map((session_id) => post(app, { session_id })),
    );
    expect(one?.body).toEqual(['one', 'one', { session_id: 'one' }]);
    expect(two?.body).toEqual(['two', 'two', { session_id: 'two' }]);
  });

  it('reaches error handlers after a throw and after a refused envelope', async () => {
    const app = express();
    const seen: unknown[] = [];
    app.use(agentEnvelope());
    app.post('/throw', () => {
      throw new Error('expected');
    });
    app.post(
      '/bound',
      bind(['inputs'], () => 1),
    );
    app.use(
      (
        error: unknown,
        _req: express.Request,
        _res: express.Response,
        next: express.NextFunction,
      ) => {
        seen.push(getSessionId());
        next(error);
      },
    );
    app.use(problemDetails());
    await post(app, { session_id: 'thrown' }, '/throw');
    await post(app, { session_id: 'refused', inputs: 7 }, '/bound');
    expect(seen).toEqual(['thrown', 'refused']);
  });
});

describe('setSessionId()', () => {
  it('returns a new context and leaves the given one as it is', () => {
    const other = createContextKey('spec.other');
    const before = ROOT_CONTEXT.setValue(other, 'kept');
    const after = setSessionId(before, 'conv-1');
    expect(getSessionId(after)).toBe('conv-1');
    expect(after.getValue(other)).toBe('kept');
    expect(getSessionId(before)).toBeUndefined();
    expect(getEnvelopeFields(after)).toEqual({ session_id: 'conv-1' });
  });

  it('takes the id away for null', () => {
    expect(getSessionId(setSessionId(setSessionId(ROOT_CONTEXT, 'a'), null))).toBeUndefined();
  });

  it.each(['a\n', 'with space', 'ä', 'x'.repeat(129)])(
    'refuses an id that breaks the rule (%#), naming the rule and not the id',
    (id) => {
      const attempt = () => setSessionId(ROOT_CONTEXT, id);
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow('must be a string that matches ^[A-Za-z0-9._:-]{1,128}$');
      expect(attempt).not.toThrow(id);
    },
  );

  it('refuses what is not a string', () => {
    expect(() => withSessionId(7 as unknown as string, () => 1)).toThrow(TypeError);
  });
});

describe('getSessionId() and getEnvelopeFields()', () => {
  it('read an explicit context, whatever session is active', () => {
    withSessionId('active', () => {
      expect(getSessionId(ROOT_CONTEXT)).toBeUndefined();
      expect(getEnvelopeFields(ROOT_CONTEXT)).toEqual({});
      expect(getSessionId(setSessionId(ROOT_CONTEXT, 'explicit'))).toBe('explicit');
    });
  });

  it('give a record of their own: changing it changes nothing', () => {
    withSessionId('conv-1', () => {
      getEnvelopeFields().session_id = 'changed';
      expect(getEnvelopeFields()).toEqual({ session_id: 'conv-1' });
    });
  });
});

describe('the slot', () => {
  it('takes an id once: the first one stays', () => {
    const slot = deriveSlot(undefined, undefined);
    adoptSessionId(slot, 'engine-1');
    adoptSessionId(slot, 'engine-2');
    expect(slot.fields.session_id).toBe('engine-1');
    expect(slot.attributes).toEqual({ 'session.id': 'engine-1' });
    expect(slot.aiAttributes).toEqual({ 'gen_ai.conversation.id': 'engine-1' });
  });

  it('is found by a second copy of the package: key and storage are shared by name', () => {
    const slot = deriveSlot('shared', undefined);
    runInSlot(slot, ROOT_CONTEXT, () => {
      const storage = Reflect.get(globalThis, Symbol.for('express-agent-envelope.storage'));
      expect(storage.getStore()).toBe(slot);
    });
    const key = createContextKey('express-agent-envelope.session');
    expect(activeSlot(ROOT_CONTEXT.setValue(key, slot))).toBe(slot);
  });
});

describe('baggage', () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => {
    context.disable();
  });

  const baggageOf = async (baggage: boolean | undefined, body: object) => {
    const app = express();
    app.use(agentEnvelope({ baggage }));
    app.post('/', (_req, res) => {
      res.json(propagation.getActiveBaggage()?.getAllEntries() ?? null);
    });
    return (await post(app, body)).body;
  };

  it('does not hold the id unless it is asked for', async () => {
    expect(await baggageOf(undefined, { session_id: 'conv-1' })).toBeNull();
  });

  it('holds the id as session.id when it is asked for', async () => {
    const entries = await baggageOf(true, { session_id: 'conv-1' });
    expect(entries).toEqual([['session.id', { value: 'conv-1' }]]);
  });

  it('stays empty when there is no id', async () => {
    expect(await baggageOf(true, {})).toBeNull();
  });
});

describe('a missing context manager', () => {
  it('is reported once through diag, under its code', () => {
    const said = warnings.filter((warning) => warning.includes('NO_CONTEXT_MANAGER'));
    expect(said).toHaveLength(1);
  });
});
