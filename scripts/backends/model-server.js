/** Language models' HTTP APIs on the loopback: each answers with the last text it was sent. */
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
let answers = 0;
/** Some keep messages by their ids. */
const ids = () => ({ id: `answer-${++answers}`, created: 1, model: 'small' });

/** `[path, (text, stream) => body]`: an array is a stream of events. */
const APIS = [
  ['/chat/completions', chatCompletion],
  ['/responses', response],
  ['/messages', message],
  [':generateContent', gemini],
  [':streamGenerateContent', (text) => halves(text).map(gemini)],
];

export async function startModelServer() {
  const server = http.createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const { pathname } = new URL(req.url, 'http://localhost');
    const [, api] = APIS.find(([path]) => pathname.endsWith(path)) ?? [];
    if (api === undefined) {
      res.writeHead(404).end();
      return;
    }
    const sent = JSON.parse(Buffer.concat(chunks));
    // So that the requests of several conversations are under way at once.
    await delay(20);
    const body = api(`re: ${lastText(sent)}`, sent.stream === true);
    if (Array.isArray(body)) {
      res.setHeader('content-type', 'text/event-stream');
      for (const event of body) {
        const name = event.type ? `event: ${event.type}\n` : '';
        res.write(`${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
        // Each by itself, as a model sends them: what reads them waits in between.
        await delay(1);
      }
      res.end();
    } else {
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify(body));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Whatever the API, the last text in the conversation. */
function lastText({ messages, input, contents }) {
  const last =
    messages?.at(-1) ?? (Array.isArray(input) ? input.at(-1) : input) ?? contents?.at(-1);
  const parts = last?.content ?? last?.parts ?? last;
  return Array.isArray(parts) ? parts.at(-1).text : String(parts);
}

const halves = (text) => [text.slice(0, 3), text.slice(3)];

function chatCompletion(content, stream) {
  const choice = (part) => ({ index: 0, finish_reason: null, ...part });
  if (!stream) {
    const message = { role: 'assistant', content };
    const choices = [choice({ message, finish_reason: 'stop' })];
    return { ...ids(), object: 'chat.completion', choices, usage: USAGE };
  }
  const same = { ...ids(), object: 'chat.completion.chunk' };
  const chunk = (part) => ({ ...same, choices: [choice(part)] });
  return [
    chunk({ delta: { role: 'assistant', content: '' } }),
    ...halves(content).map((part) => chunk({ delta: { content: part } })),
    { ...chunk({ delta: {}, finish_reason: 'stop' }), usage: USAGE },
    '[DONE]',
  ];
}

function response(text, stream) {
  const part = { type: 'output_text', text, annotations: [], logprobs: [] };
  const item = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [part],
  };
  const details = {
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  };
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, ...details };
  const rest = {
    parallel_tool_calls: true,
    tools: [],
    tool_choice: 'auto',
    error: null,
    incomplete_details: null,
  };
  const whole = {
    ...{ id: 'resp_1', object: 'response', created_at: 1, model: 'small', status: 'completed' },
    ...{ ...rest, output: [item], usage, output_text: text, instructions: null, metadata: {} },
  };
  if (!stream) return whole;
  const at = { output_index: 0, item_id: 'msg_1', content_index: 0 };
  return [
    { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
    ...halves(text).map((delta) => ({
      ...{ type: 'response.output_text.delta', ...at, delta, logprobs: [] },
    })),
    { type: 'response.output_text.done', ...at, text, logprobs: [] },
    { type: 'response.content_part.done', ...at, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: whole },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
}

function message(text, stream) {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const whole = {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'small', stop_sequence: null },
    ...{ stop_reason: 'end_turn', content: [{ type: 'text', text }], usage },
  };
  if (!stream) return whole;
  return [
    { type: 'message_start', message: { ...whole, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...halves(text).map((part) => ({
      ...{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: part } },
    })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
}

function gemini(text) {
  const content = { role: 'model', parts: [{ text }] };
  const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
  return { candidates: [{ content, finishReason: 'STOP', index: 0 }], usageMetadata };
}
