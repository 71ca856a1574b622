/** Each program of `examples/` runs as a process of its own, as its head says, and is asked over HTTP. */
import { readdirSync, readFileSync } from 'node:fs';
import type { UIMessage } from 'ai';
import * as agUi from '../examples/clients/ag-ui.mjs';
import * as aiSdk from '../examples/clients/ai-sdk.mjs';
import { startProgram, stopPrograms } from './programs.js';

const folder = new URL('../examples/', import.meta.url);
const start = (program: string) => startProgram(new URL(program, folder));

afterEach(stopPrograms);

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
interface Outputs {
  readonly output: string;
  readonly stop_reason: string;
  readonly messages: readonly object[];
}
/** A reply or a problem: the spec looks at what it expects. */
interface Answer {
  readonly session_id: string;
  readonly data: { readonly outputs: Outputs };
  readonly code?: string;
}
const answer = async (reply: Response) => (await reply.json()) as Answer;
const NDJSON = { accept: 'application/x-ndjson' };
const SSE = { accept: 'text/event-stream' };
const lines = async (reply: Response) =>
  (await reply.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const chat = (content: unknown) => ({
  session_id: 's-1',
  inputs: { messages: [{ role: 'user', content }] },
});

describe('examples/', () => {
  it('minimal.js answers with the id, and without it, and shows nothing of its own error', async () => {
    const url = await start('minimal.js');
    const inputs = { question: 'Who?' };
    const reply = await post(url, { session_id: 's-1', inputs });
    expect(reply.headers.get('x-session-id')).toBe('s-1');
    expect(await reply.json()).toMatchObject({
      session_id: 's-1',
      data: { outputs: 'In s-1 somebody asked: Who?' },
    });
    expect(await (await post(url, { inputs })).json()).toEqual({
      data: { outputs: 'In no session somebody asked: Who?' },
    });
    const failure = await post(url, { session_id: 's-1' });
    expect(failure.status).toBe(500);
    const problem = await failure.text();
    expect(JSON.parse(problem)).toMatchObject({ code: 'INTERNAL_ERROR', session_id: 's-1' });
    expect(problem).not.toContain('went wrong');
  });

  it('existing-app.js gives out a session that only its user may go on with', async () => {
    const url = await start('existing-app.js');
    const ann = { authorization: 'Bearer of-ann' };
    const inputs = { question: 'Who?' };
    const first = await post(url, { inputs }, ann);
    expect(first.headers.get('x-content-type-options')).toBe('nosniff');
    const { session_id, data } = await answer(first);
    expect(data.outputs).toBe('Hello ann, you asked: Who?');
    const again = { session_id, inputs };
    expect((await post(url, again, ann)).status).toBe(200);
    const other = await post(url, again, { authorization: 'Bearer of-bob' });
    expect([other.status, (await answer(other)).code]).toEqual([403, 'SESSION_FORBIDDEN']);
    expect((await post(url, again)).status).toBe(401);
    expect(await (await fetch(new URL('/health', url))).text()).toBe('fine');
  });

  it('schemas.js checks the field, the inputs, the parameters and its own output', async () => {
    const url = await start('schemas.js');
    const ask = async (numbers: unknown, more: object = {}) => {
      const reply = await post(url, { session_id: 's-1', inputs: { numbers }, ...more });
      const body = await answer(reply);
      return [reply.status, body.code ?? body.data.outputs];
    };
    const round = { parameters: { round: true } };
    expect(await ask([1, 1.75], { tenant: 'globex', ...round })).toEqual([
      200,
      { tenant: 'globex', sum: 3 },
    ]);
    expect(await ask([1], { tenant: 'nobody' })).toEqual([400, 'INVALID_FIELD']);
    expect(await ask([])).toEqual([422, 'INVALID_INPUT']);
    expect(await ask([1], { parameters: { round: 'yes' } })).toEqual([422, 'INVALID_INPUT']);
    expect(await ask([99, 2])).toEqual([500, 'INVALID_OUTPUT']);
  });

  it('streaming.js streams as SSE and as NDJSON, and ends a failure in band', async () => {
    const url = await start('streaming.js');
    const body = (to: number) => ({ session_id: 's-1', inputs: { to } });
    const sse = await post(url, body(2), SSE);
    expect(sse.headers.get('x-session-id')).toBe('s-1');
    expect(await sse.text()).toBe(
      'data: {"n":1,"session":"s-1"}\n\ndata: {"n":2,"session":"s-1"}\n\n',
    );
    const items = await lines(await post(url, body(20), NDJSON));
    expect(items).toHaveLength(13);
    expect(items.at(-1)).toMatchObject({
      type: 'error',
      error: { status: 409, detail: 'Nobody counts to 13', session_id: 's-1' },
    });
  });

  it.each(['own-engine.js', 'gateway-and-runner.js'])(
    '%s answers with a result or its events, under the id of the request',
    async (program) => {
      const url = await start(program);
      const value = await post(url, chat('Hello'));
      expect(value.headers.get('x-session-id')).toBe('s-1');
      const { session_id, data } = await answer(value);
      expect(session_id).toBe('s-1');
      expect(data.outputs.output).toContain('Hello');
      const events = await lines(await post(url, chat('Hello'), NDJSON));
      expect(events[0]).toMatchObject({ type: 'run.start', session_id: 's-1' });
      expect(events.map(({ delta = '' }) => delta).join('')).toBe(data.outputs.output);
      expect(events.at(-1).type).toBe('run.end');
      const wrong = await post(url, chat(7));
      expect([wrong.status, (await answer(wrong)).code]).toEqual([422, 'INVALID_INPUT']);
    },
  );

  it('own-engine.js tells that its engine failed, and not why', async () => {
    const reply = await post(await start('own-engine.js'), chat(''));
    expect(reply.status).toBe(502);
    const text = await reply.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'ENGINE_FAILED', session_id: 's-1' });
    expect(text).not.toContain('repeat');
  });

  it.each([
    [true, 'a.txt is gone'],
    [false, 'As you wish.'],
  ])('ai-sdk-engine.js asks before its tool runs, and goes on: %s', async (approved, output) => {
    const url = await start('ai-sdk-engine.js');
    const first = await answer(await post(url, chat('Delete it')));
    const { stop_reason, messages } = first.data.outputs;
    expect(stop_reason).toBe('approval');
    const decision = { role: 'user', content: [{ type: 'tool.approval', id: 'c1', approved }] };
    const body = { session_id: 's-1', inputs: { messages: [...messages, decision] } };
    const second = await answer(await post(url, body));
    expect(second).toMatchObject({ session_id: 's-1', data: { outputs: { output } } });
  });

  it('gateway-and-runner.js without an id passes on the one that Pi gave itself', async () => {
    const url = await start('gateway-and-runner.js');
    const reply = await post(url, { inputs: chat('Hello').inputs });
    const { session_id } = await answer(reply);
    expect(session_id).toMatch(/^[A-Za-z0-9._:-]{1,128}$/);
    expect(reply.headers.get('x-session-id')).toBe(session_id);
  });

  it('chat-clients.js is talked to by the clients of the AI SDK and of AG-UI, unmodified', async () => {
    const url = await start('chat-clients.js');
    const parts = [{ type: 'text' as const, text: 'Hello' }];
    let answer: UIMessage | undefined;
    for await (const message of aiSdk.ask(`${url}api/chat`, 's-1', [
      { id: '1', role: 'user', parts },
    ])) {
      answer = message;
    }
    expect(answer).toMatchObject({ metadata: { sessionId: 's-1' } });
    expect(answer?.parts.at(-1)).toMatchObject({
      type: 'text',
      text: expect.stringContaining('Hello'),
    });
    const agent = agUi.agentOf(`${url}agent`, 's-2');
    let text = '';
    const message = await agUi.ask(agent, 'Hello', (delta: string) => {
      text += delta;
    });
    expect(message?.content).toBe(text);
    expect(text).toContain('Hello');
  });

  const programs = readdirSync(folder).filter((name) => name.endsWith('.js'));
  // Those that need Redis have a spec of their own, which is left out where there is none.
  const specs = ['examples.spec.ts', 'examples-queue.spec.ts']
    .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
    .join();
  const index = readFileSync(new URL('README.md', folder), 'utf8');

  it.each(programs)('%s is in the index, is run above, and is 15 to 40 lines', (program) => {
    expect(index).toContain(`](${program})`);
    expect(specs).toContain(`'${program}'`);
    const text = readFileSync(new URL(program, folder), 'utf8');
    expect(text).toContain(`node examples/${program}\n`);
    const length = text.trimEnd().split('\n').length;
    expect(length >= 15 && length <= 40).toBe(true);
  });
});
