/** The same two routes without the package, as they are often written: the id stops here, and each engine stamps its own. */
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import express from 'express';
import { toRequest } from './conversation.js';

const tracer = trace.getTracer('plain');

/** Adds the routes to `app`. They parse their bodies themselves: they stand before `agentEnvelope()`. */
export function addPlainRoutes(app, engines) {
  const json = express.json();

  app.post('/plain/invoke', json, async (req, res) => {
    let output = '';
    for await (const event of turn(engines, req, res)) {
      if (event.type === 'message.delta') output += event.delta;
    }
    const { messages } = toRequest(dataOf(req));
    const outputs = { output, messages: [...messages, { role: 'assistant', content: output }] };
    res.json({ data: { outputs } });
  });

  app.post('/plain/stream', json, async (req, res) => {
    res.set('content-type', 'application/x-ndjson');
    for await (const event of turn(engines, req, res)) res.write(`${JSON.stringify(event)}\n`);
    res.end();
  });
}

/** `session_id` stands in the body, and nobody asks for it: not here, not in the engine, not in the reply. */
const dataOf = ({ body }) => ({ inputs: {}, parameters: {}, ...(body.data ?? body) });

/** An engine on its own: its spans carry the only id it knows. */
async function* turn(engines, req, res) {
  const data = dataOf(req);
  const request = toRequest(data);
  const engine = engines[data.parameters.engine ?? 'pi'];
  const stop = new AbortController();
  res.once('close', () => stop.abort());
  const agent = tracer.startSpan(`invoke_agent ${engine.name}`);
  const inAgent = trace.setSpan(context.active(), agent);
  let session;
  let chat;
  try {
    session = await context.with(inAgent, () => engine.open(request, stop.signal));
    const attributes = { 'session.id': session.id };
    agent.setAttributes(attributes);
    chat = tracer.startSpan(`chat ${session.model ?? engine.name}`, { attributes }, inAgent);
    for await (const event of session.prompt(request)) {
      if (stop.signal.aborted) break;
      yield event;
    }
  } catch (error) {
    agent.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    chat?.end();
    agent.end();
    await session?.close();
  }
}
