// The events of one POST as they come, in a browser and in Node.js.
import { EventSourceParserStream } from 'eventsource-parser/stream';

export async function* readSse(url, envelope, { signal } = {}) {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(envelope),
    signal,
  });
  // Before the first event a failure has its own status, and a problem document.
  if (!reply.ok) throw new Error('The request failed', { cause: await reply.json() });
  const reader = reply.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const item = JSON.parse(value.data);
      if (value.event === 'error') throw new Error('The stream failed', { cause: item });
      yield item;
    }
  } finally {
    await reader.cancel(); // who stops reading ends the agent, too
  }
}
