import express from 'express';
import { bind } from '../../lib/index.js';
import { envelopeApp, JSON_TYPE, NDJSON, post, SSE } from '../helpers.js';

/** The media type of the reply, or its status where it is refused. */
async function typeOf(kind: 'value' | 'stream', accept: string): Promise<unknown> {
  const { app } = envelopeApp(
    express(),
    bind([], () => (kind === 'value' ? 'answer' : (async function* () {})())),
  );
  const reply = await post(app, {}).set('accept', accept);
  return reply.status === 200 ? String(reply.headers['content-type']).split(';')[0] : reply.status;
}

const PARAMETERS: [accept: string, value: unknown, stream: unknown][] = [
  ['application/json; charset=utf-8', JSON_TYPE, 406],
  ['application/json;charset="utf-8"', JSON_TYPE, 406],
  ['application/json ; charset = utf-8', JSON_TYPE, 406],
  ['application/json; odata=verbose; q=0.5', JSON_TYPE, 406],
  ['application/json;odata.metadata=minimal;IEEE754Compatible=true', JSON_TYPE, 406],
  ['application/json; profile="a,b;q=0"', JSON_TYPE, 406],
  ['application/json; profile="a\\"b;q=0,c"', JSON_TYPE, 406],
  ['application/json;profile', JSON_TYPE, 406],
  ['text/event-stream; charset=utf-8', 406, SSE],
  ['text/event-stream;charset=UTF-8, application/json;q=0.1', JSON_TYPE, SSE],
  ['application/x-ndjson;charset=utf-8', 406, NDJSON],
];
const QUALITIES: typeof PARAMETERS = [
  ['application/json;q=0', 406, 406],
  ['application/json;Q=0', 406, 406],
  ['application/json; q=0.000', 406, 406],
  ['application/json; charset=utf-8; q=0', 406, 406],
  ['application/json;q="0.5"', JSON_TYPE, 406],
  ['*/*;q=0', 406, 406],
  ['*/*;q=0.1', JSON_TYPE, NDJSON],
  ['text/event-stream;q=0, */*', JSON_TYPE, NDJSON],
  ['application/x-ndjson;q=0, text/event-stream;q=0.1', 406, SSE],
  ['text/event-stream;q=0.1;ext=1, application/x-ndjson;q=0.9', 406, NDJSON],
];
const SPACES: typeof PARAMETERS = [
  ['', JSON_TYPE, NDJSON],
  ['  ', JSON_TYPE, NDJSON],
  [',', 406, 406],
  ['  application/json  ', JSON_TYPE, 406],
  ['application/json,,text/event-stream', JSON_TYPE, SSE],
  ['text/html , application/json', JSON_TYPE, 406],
  ['text/event-stream\t;\tcharset=utf-8', 406, SSE],
  ['APPLICATION/JSON', JSON_TYPE, 406],
  ['Text/Event-Stream', 406, SSE],
  ['application/*', JSON_TYPE, NDJSON],
  ['text/*', 406, SSE],
  ['*/*', JSON_TYPE, NDJSON],
];
const MALFORMED: typeof PARAMETERS = [
  ['json', 406, 406],
  ['application/', 406, 406],
  ['/json', 406, 406],
  ['application/json/more', 406, 406],
  ['*', 406, 406],
  ['application/json; profile="never closed', 406, 406],
  [';;;', 406, 406],
  ['application/vnd.api+json', 406, 406],
  ['text/event-stream-more', 406, 406],
];

describe('the Accept header', () => {
  it.each(PARAMETERS)('is compared without its parameters: %p', async (accept, value, stream) => {
    expect([await typeOf('value', accept), await typeOf('stream', accept)]).toEqual([
      value,
      stream,
    ]);
  });

  it.each(QUALITIES)('has weights: %p', async (accept, value, stream) => {
    expect([await typeOf('value', accept), await typeOf('stream', accept)]).toEqual([
      value,
      stream,
    ]);
  });

  it.each(SPACES)('is written in many ways: %p', async (accept, value, stream) => {
    expect([await typeOf('value', accept), await typeOf('stream', accept)]).toEqual([
      value,
      stream,
    ]);
  });

  it.each(MALFORMED)(
    'is refused, and nothing worse, where it is none: %p',
    async (accept, value, stream) => {
      expect([await typeOf('value', accept), await typeOf('stream', accept)]).toEqual([
        value,
        stream,
      ]);
    },
  );

  it.each([
    ['parameters', `application/json${';a=b'.repeat(2000)}`],
    ['quotes', `application/json;a=${'"'.repeat(8000)}`],
    ['backslashes', `application/json;a="${'\\'.repeat(8000)}`],
    ['spaces', `application/json;${' '.repeat(8000)}a`],
    ['types', `${'a/b,'.repeat(2000)}application/json`],
  ])('is read in the time of its length: %s', async (_what, accept) => {
    expect([JSON_TYPE, 406]).toContain(await typeOf('value', accept));
  });
});
