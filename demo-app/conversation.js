/** The schemas of a turn, for `bind()`; and what a client may say instead of a whole conversation. */
const message = {
  type: 'object',
  // The content is text, or a list of parts: `run()` looks into those.
  properties: {
    role: { enum: ['system', 'user', 'assistant'] },
    content: { type: ['string', 'array'] },
  },
  required: ['role', 'content'],
};

/** `messages` is the whole conversation; `question` or `message`, text, is one that begins with it. */
export const inputs = {
  type: 'object',
  properties: {
    messages: { type: 'array', items: message, minItems: 1 },
    question: { type: 'string' },
    message: { type: 'string' },
  },
  anyOf: [{ required: ['messages'] }, { required: ['question'] }, { required: ['message'] }],
};

/** Which engine, and which of its models. An engine that is not in `names` is a 422. */
export const parametersFor = (names) => ({
  type: 'object',
  properties: { engine: { enum: names }, model: { type: 'string' } },
});

/** Bound values go in, a run's request comes out. It has no session id: `run()` takes that from the active session. */
export function toRequest({ inputs, parameters: { engine: _, model, ...parameters } }) {
  const { messages, question, message = question } = inputs;
  return { messages: messages ?? [{ role: 'user', content: message }], model, parameters };
}
