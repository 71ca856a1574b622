import { once } from 'node:events';
import { diag } from '@opentelemetry/api';
import express from 'express';
import { Client } from '../../lib/request/client.js';
import { connect, gate, serving } from '../helpers.js';

const broken = () => {
  throw new Error('broken');
};

describe('a listener to the end of an exchange', () => {
  afterEach(() => diag.disable());

  // It is called from an event of the response or of its socket: what it throws would end the process.
  it.each([
    ['', () => undefined],
    [', nor does a logger that throws', broken],
  ])('that throws keeps no other from being called%s', async (_what, log) => {
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log });
    const begun = gate();
    const called = gate();
    const app = express();
    app.get('/', (req, res) => {
      const client = new Client(req, res);
      client.onClose(broken);
      client.onClose(called.open);
      begun.open();
    });
    await serving(app, async (url) => {
      const client = connect(url);
      await begun.opened;
      client.destroy();
      await called.opened;
    });
  });

  it('is called once, and not after it was removed', async () => {
    const calls: string[] = [];
    const over = gate();
    const app = express();
    app.get('/', async (req, res) => {
      const client = new Client(req, res);
      client.onClose(() => calls.push('kept'));
      client.onClose(() => calls.push('removed'))();
      const closed = once(res, 'close');
      res.end();
      await closed;
      res.emit('close');
      over.open();
    });
    await serving(app, async (url) => {
      await (await fetch(url)).text();
      await over.opened;
    });
    expect(calls).toEqual(['kept']);
  });
});
