import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { conformance } from '../../../lib/engines/conformance/index.js';
import { run } from '../../../lib/engines/index.js';
import { remote } from '../../../lib/engines/remote/index.js';
import { ask, getJson, type Node, post, start, stop, until } from '../nodes.js';
import { startTracing } from '../tracing.js';

interface SpanRow {
  readonly name: string;
  readonly span: string;
  readonly trace: string;
  readonly parent?: string;
  readonly attributes: Record<string, unknown>;
}

interface Reply {
  readonly session_id: string;
  readonly trace_id: string;
  readonly data: { readonly outputs: { readonly output: string; readonly messages: object[] } };
}

const spansOf = async (node: Node, trace: string) =>
  (await getJson<SpanRow[]>(`${node.url}/spans`)).filter((span) => span.trace === trace);

let tracing: ReturnType<typeof startTracing>;
let runner: Node;
let gateway: Node;
beforeAll(async () => {
  tracing = startTracing();
  runner = await start('process.mjs', ['runner']);
  gateway = await start('process.mjs', ['gateway', runner.url]);
});
afterAll(async () => {
  await Promise.all([stop(runner), stop(gateway), tracing.stop()]);
});

const noRunIsOpen = () => until(async () => (await getJson(`${runner.url}/open`)) === 0);

describe('remote() conforms: it', () => {
  const cases = conformance({
    engine: () => remote({ url: `${runner.url}/run` }),
    failingEngine: () => remote({ url: `${runner.url}/refuse` }),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  // The runner's run is told the id of the conversation: only without one can the two ids be compared.
  it.each(cases.filter(({ name }) => !/beside it|interleaved/.test(name)))('$name', ({ test }) =>
    test(),
  );
});

describe('a gateway and a runner, two processes', () => {
  it('share one id and one trace, parent to child', async () => {
    const reply = await post(gateway, { session_id: 'conv-1', data: { inputs: ask('Hello') } });
    const body = (await reply.json()) as Reply;
    expect(reply.headers.get('x-session-id')).toBe('conv-1');
    expect(body.data.outputs).toMatchObject({ engine: 'remote', output: '1: Hello' });
    const there = await spansOf(runner, body.trace_id);
    const here = await spansOf(gateway, body.trace_id);
    expect(there.map(({ name }) => name).sort()).toEqual(['POST', 'chat', 'invoke_agent scripted']);
    expect(here.map(({ name }) => name).sort()).toEqual(['POST', 'chat', 'invoke_agent remote']);
    for (const { attributes } of [...there, ...here]) {
      expect(attributes['session.id']).toBe('conv-1');
    }
    expect(there.find(({ name }) => name === 'POST')?.parent).toBe(
      here.find(({ name }) => name === 'invoke_agent remote')?.span,
    );
  });

  it("go by the runner's engine's id when the client sends none, and continue under it", async () => {
    const first = await post(gateway, { data: { inputs: ask('Hello') } });
    const { session_id, trace_id, data } = (await first.json()) as Reply;
    expect(session_id).toMatch(/^engine-/);
    expect(first.headers.get('x-session-id')).toBe(session_id);
    for (const node of [runner, gateway]) {
      for (const { attributes } of await spansOf(node, trace_id)) {
        expect(attributes['session.id']).toBe(session_id);
      }
    }
    const messages = [...data.outputs.messages, { role: 'user', content: 'And?' }];
    const answered = await post(gateway, { session_id, data: { inputs: { messages } } });
    const second = (await answered.json()) as Reply;
    expect(second.session_id).toBe(session_id);
    expect(second.data.outputs.output).toBe('3: And?');
  });

  it('carry messages with parts as they are', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', media_type: 'image/png', data: 'iVBORw0KGgo=' },
      { type: 'tool.approval', id: 'a', approved: true },
    ];
    const answer = { role: 'assistant', content: [{ type: 'tool.call', id: 'a', name: 'x' }] };
    const messages = [...ask('Hello').messages, answer, { role: 'user', content }];
    const reply = await post(gateway, { data: { inputs: { messages } } });
    expect(((await reply.json()) as Reply).data.outputs).toMatchObject({
      output: `3: ${JSON.stringify(content)}`,
      messages: [...messages, { role: 'assistant' }],
    });
  });

  it.each(['application/json', 'application/x-ndjson'])(
    'tell by the 422 of the runner, as %s, which part its engine cannot take',
    async (accept) => {
      const file = { type: 'file', media_type: 'text/plain', data: 'cHJpdmF0ZQ==' };
      const messages = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, file] }];
      const body = { session_id: 'conv-5', inputs: { messages } };
      const reply = await post(gateway, body, accept);
      expect(reply.status).toBe(422);
      expect(await reply.json()).toMatchObject({
        code: 'INVALID_INPUT',
        session_id: 'conv-5',
        errors: [
          {
            // As the client of the gateway spelt it.
            pointer: '/inputs/messages/0/content/1',
            detail: 'is of the type file, which the engine "scripted" cannot take',
          },
        ],
      });
    },
  );

  it('let the runner know when the client leaves in the middle of a stream', async () => {
    const controller = new AbortController();
    const body = { session_id: 'left', data: { inputs: ask('stall') } };
    const reply = await post(gateway, body, 'text/event-stream', controller.signal);
    const reader = reply.body?.getReader();
    await reader?.read();
    expect(await getJson(`${runner.url}/open`)).toBe(1);
    controller.abort();
    await noRunIsOpen();
  });

  it.each([
    ['refuses with a 500', { path: '/refuse' }, 502],
    ['answers with something else', { path: '/other' }, 502],
    ['has no such route', { path: '/nowhere' }, 502],
    ['is silent from the start', { path: '/silent' }, 504],
  ])(
    'tell by a coded problem with the id when the runner %s',
    async (_what, parameters, status) => {
      const reply = await post(gateway, {
        session_id: 'conv-2',
        data: { inputs: ask('x'), parameters },
      });
      expect(reply.status).toBe(status);
      const problem = await reply.json();
      expect(problem).toMatchObject({ code: 'ENGINE_FAILED', status, session_id: 'conv-2' });
      expect(JSON.stringify(problem)).not.toContain('private');
    },
  );

  it.each([
    ['fails', 'fail', 502],
    ['falls silent', 'stall', 504],
  ])('tell in band when the runner %s in the middle', async (_what, text, status) => {
    const body = { session_id: 'conv-3', data: { inputs: ask(text) } };
    const reply = await post(gateway, body, 'application/x-ndjson');
    expect(reply.status).toBe(200);
    const lines = (await reply.text()).trim().split('\n');
    const last = JSON.parse(lines.at(-1) ?? '');
    expect(last).toMatchObject({
      type: 'error',
      error: { code: 'ENGINE_FAILED', status, session_id: 'conv-3' },
    });
    expect(JSON.stringify(last)).not.toContain('private');
    await noRunIsOpen();
  });

  it('tell in band when the runner dies in the middle, and by a 502 when it is down', async () => {
    const mortal = await start('process.mjs', ['runner']);
    const front = await start('process.mjs', ['gateway', mortal.url]);
    try {
      const reply = await post(
        front,
        { session_id: 'conv-4', data: { inputs: ask('exit') } },
        'application/x-ndjson',
      );
      const last = JSON.parse((await reply.text()).trim().split('\n').at(-1) ?? '');
      expect(last).toMatchObject({ type: 'error', error: { code: 'ENGINE_FAILED', status: 502 } });
      const down = await post(front, { session_id: 'conv-4', data: { inputs: ask('x') } });
      expect(down.status).toBe(502);
      expect(await down.json()).toMatchObject({ code: 'ENGINE_FAILED', session_id: 'conv-4' });
    } finally {
      await Promise.all([stop(mortal), stop(front)]);
    }
  });
});

describe('the options of remote()', () => {
  it.each([
    ['options that are none', 'http://h/', 'remote: options must be an object'],
    ['no url', {}, 'remote: url must be an http: or https: URL'],
    ['a relative url', { url: '/run' }, 'remote: url'],
    ['another protocol', { url: 'ftp://host/' }, 'remote: url'],
    [
      'a fetch that is no function',
      { url: 'http://h/', fetch: 1 },
      'remote: fetch must be a function',
    ],
    ['no time', { url: 'http://h/', timeoutMs: 0 }, 'remote: timeoutMs must be a whole number'],
    ['endless time', { url: 'http://h/', timeoutMs: Infinity }, 'remote: timeoutMs'],
    ['an unknown one', { url: 'http://h/', timeout: 1 }, 'remote: options must be among'],
  ])('are refused at once: %s', (_what, options, message) => {
    const attempt = () => remote(options as never);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
  });

  it('call with tracing suppressed: an instrumented fetch would add a second traceparent', async () => {
    const suppressed: boolean[] = [];
    const engine = remote({
      url: `${runner.url}/run`,
      fetch: (url, init) => {
        suppressed.push(isTracingSuppressed(context.active()));
        return fetch(url, init);
      },
    });
    await run(engine, ask('Hello')).result;
    expect(suppressed).toEqual([true]);
  });

  it('hold their time although the fetch of the caller does not listen to its signal', async () => {
    const engine = remote({ url: 'http://h/', timeoutMs: 20, fetch: () => new Promise(() => {}) });
    await expect(async () => run(engine, ask('Hello')).result).rejects.toMatchObject({
      status: 504,
    });
  });

  it('take a fetch of the caller', async () => {
    const urls: string[] = [];
    const engine = remote({
      url: `${runner.url}/run`,
      fetch: (url, init) => {
        urls.push(String(url));
        return fetch(url, init);
      },
    });
    await run(engine, ask('Hello')).result;
    expect(urls).toEqual([`${runner.url}/run`]);
  });
});

describe('a runner that misbehaves', () => {
  const START = { type: 'run.start', session_id: 'own-1', engine: 'x' };
  const END = { type: 'run.end', stop_reason: 'stop' };
  const ndjson = (...events: unknown[]) =>
    new Response(events.map((event) => `${JSON.stringify(event)}\n`).join(''), {
      headers: { 'content-type': 'application/x-ndjson' },
    });
  const failureOf = (answer: () => Response, options: object = {}) =>
    run(remote({ url: 'http://h/', fetch: async () => answer(), ...options }), ask('Hello'))
      .result.then(() => 'no failure')
      .catch((error: unknown) => error);

  it.each([
    [{ type: 'message.delta' }, 'The runner sent an event of the type "message.delta"'],
    [{ type: 'usage', input_tokens: '9' }, 'The runner sent an event of the type "usage"'],
    [{ type: 'run.end', stop_reason: {} }, 'The runner sent an event of the type "run.end"'],
    [{}, 'The runner sent an event without a type'],
    [[], 'The runner sent an event that is not an object'],
    [{ type: 'error' }, 'The runner sent an event of the unknown type "error"'],
    [{ type: 'error', error: { code: 'X' } }, 'The runner failed'],
  ])('by the event %j fails the run', async (event, message) => {
    expect(await failureOf(() => ndjson(START, event, END))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    [
      'about what else we sent',
      { code: 'INVALID_INPUT', errors: [{ pointer: '/data/parameters', detail: 'x' }] },
    ],
    [
      'about a neighbour',
      { code: 'INVALID_INPUT', errors: [{ pointer: '/data/inputs/messages2', detail: 'x' }] },
    ],
    ['about no place', { code: 'INVALID_INPUT', errors: [] }],
    [
      'without its rule',
      { code: 'INVALID_INPUT', errors: [{ pointer: '/data/inputs/messages/0' }] },
    ],
    [
      'of another kind',
      { code: 'OTHER', errors: [{ pointer: '/data/inputs/messages/0', detail: 'x' }] },
    ],
    ['that is no problem', 'x'],
  ])('by a 422 %s fails the run', async (_what, problem) => {
    expect(await failureOf(() => Response.json(problem, { status: 422 }))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'The runner answered with status 422',
    });
  });

  it('by a refusal that breaks off fails the run', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('late')) });
    expect(await failureOf(() => new Response(body, { status: 500 }))).toMatchObject({
      message: 'The runner answered with status 500',
    });
  });

  it('by a stream that ends without run.end fails the run', async () => {
    expect(await failureOf(() => ndjson(START))).toMatchObject({
      message: 'The runner cut its answer short',
    });
  });

  it('by an event over the maximum fails the run', async () => {
    const long = { type: 'message.delta', delta: 'x'.repeat(200) };
    expect(await failureOf(() => ndjson(START, long, END), { maxEventBytes: 100 })).toMatchObject({
      message: 'The runner sent a line of more than 100 bytes',
    });
  });

  it('by an endless problem document is read for 64 kB, and let go', async () => {
    let bytes = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        bytes += 1024;
        controller.enqueue(Buffer.alloc(1024, ' '));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect(await failureOf(() => new Response(body, { status: 500 }))).toMatchObject({
      message: 'The runner answered with status 500',
    });
    expect(cancelled).toBe(true);
    expect(bytes).toBeLessThan(80 * 1024);
  });

  it.each([301, 302, 303, 307, 308])(
    'by a redirect (%d) fails the run, and nothing goes to the other host',
    async (status) => {
      const hosts: string[] = [];
      const server = createServer((req, res) => {
        hosts.push(req.url ?? '');
        res.writeHead(status, { location: '/elsewhere' }).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const engine = remote({ url: `http://127.0.0.1:${port}/run` });
      try {
        await expect(async () => run(engine, ask('Hello')).result).rejects.toMatchObject({
          code: 'ENGINE_FAILED',
          message: `The runner answered with status ${status}`,
        });
      } finally {
        server.closeAllConnections();
        server.close();
      }
      expect(hosts).toEqual(['/run']);
    },
  );
});
