import { ROOT_CONTEXT } from '@opentelemetry/api';
import { type LogAttributes, SeverityNumber } from '@opentelemetry/api-logs';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import express from 'express';
import {
  agentEnvelope,
  bind,
  SessionLogRecordProcessor,
  sessionId,
  setSessionId,
  withSessionId,
} from '../../lib/index.js';
import { activeSlot, adoptSessionId } from '../../lib/session/slot.js';
import { post, useTracing } from '../helpers.js';

useTracing();
const exporter = new InMemoryLogRecordExporter();
const provider = new LoggerProvider({
  processors: [new SessionLogRecordProcessor(), new SimpleLogRecordProcessor({ exporter })],
});
const logger = provider.getLogger('spec');
beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

/** The attributes of the record with this text. */
const attributesOf = (body: string): LogAttributes | undefined =>
  exporter.getFinishedLogRecords().find((record) => record.body === body)?.attributes;

describe('SessionLogRecordProcessor', () => {
  it('stamps a log record of a session, and keeps what the record says itself', () => {
    withSessionId('conv-1', () =>
      logger.emit({
        body: 'said',
        severityNumber: SeverityNumber.WARN,
        attributes: { model: 'small' },
      }),
    );
    expect(attributesOf('said')).toMatchObject({ 'session.id': 'conv-1', model: 'small' });
  });

  it('stamps nothing outside a session', () => {
    logger.emit({ body: 'alone' });
    expect(attributesOf('alone')).toEqual({});
  });

  it('looks at the context a record was emitted with before the active one', () => {
    const ctx = setSessionId(ROOT_CONTEXT, 'explicit');
    withSessionId('active', () => logger.emit({ body: 'explicit', context: ctx }));
    expect(attributesOf('explicit')).toMatchObject({ 'session.id': 'explicit' });
  });

  it('falls back to the active session where the context of the record has none', () => {
    withSessionId('active', () => logger.emit({ body: 'bare', context: ROOT_CONTEXT }));
    expect(attributesOf('bare')).toMatchObject({ 'session.id': 'active' });
  });

  it('stamps the id that an engine has given since', () => {
    withSessionId(null, () => {
      logger.emit({ body: 'before' });
      const slot = activeSlot();
      if (slot) adoptSessionId(slot, 'engine-1');
      logger.emit({ body: 'after' });
    });
    expect(attributesOf('before')).toEqual({});
    expect(attributesOf('after')).toMatchObject({ 'session.id': 'engine-1' });
  });

  it('stamps the attribute of each envelope field, in the requests of one app at once', async () => {
    const app = express();
    app.use(agentEnvelope({ fields: [sessionId, { name: 'tenant', attribute: 'app.tenant' }] }));
    app.post(
      '/',
      bind(['session_id'], async ({ session_id }) => {
        await new Promise(setImmediate);
        logger.emit({ body: `line of ${session_id}` });
      }),
    );
    await Promise.all(
      ['a', 'b', undefined].map((id) => post(app, { session_id: id, tenant: `t-${id}` })),
    );
    for (const id of ['a', 'b']) {
      expect(attributesOf(`line of ${id}`)).toMatchObject({
        'session.id': id,
        'app.tenant': `t-${id}`,
      });
    }
    expect(attributesOf('line of undefined')).toEqual({ 'app.tenant': 't-undefined' });
  });

  it('never fails the code that logs', () => {
    const record = {
      setAttributes() {
        throw new Error('no logging today');
      },
    };
    const processor = new SessionLogRecordProcessor();
    expect(() => withSessionId('conv-1', () => processor.onEmit(record))).not.toThrow();
  });

  it('flushes and shuts down without anything to do', async () => {
    const processor = new SessionLogRecordProcessor();
    await expect(processor.forceFlush()).resolves.toBeUndefined();
    await expect(processor.shutdown()).resolves.toBeUndefined();
  });
});
