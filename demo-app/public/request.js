/** What the form says goes in, a request comes out: URL, headers and body, and the same as a curl line. */
const ACCEPT = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
};

/**
 * @param form - `{ message, session, parameters, reply, plain }`
 * @param history - messages of the turns before
 */
export function toRequest({ message, session, parameters, reply, plain }, history = []) {
  const messages = [...history, { role: 'user', content: message }];
  return {
    method: 'POST',
    path: `${plain ? '/plain' : ''}/${reply === 'json' ? 'invoke' : 'stream'}`,
    headers: { 'content-type': 'application/json', accept: ACCEPT[reply] },
    // No id, no field: an envelope without `session_id` starts a conversation.
    body: JSON.stringify({
      ...(session && { session_id: session }),
      data: { inputs: { messages }, parameters },
    }),
  };
}

export function toCurl({ path, headers, body }) {
  const options = Object.entries(headers).map(
    ([name, value]) => `-H ${quote(`${name}: ${value}`)}`,
  );
  return `curl -iN ${location.origin}${path} ${options.join(' ')} -d ${quote(body)}`;
}

/** For a POSIX shell. */
const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** W3C trace context: this page starts the trace, so it knows where to look for the spans of its request. */
export function newTrace() {
  const trace = hex(16);
  return { trace, traceparent: `00-${trace}-${hex(8)}-01` };
}

export const newSession = () => `conv-${hex(3)}`;

function hex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}
