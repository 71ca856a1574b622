/** `POST /chat`: where an unmodified `useChat` talks to the same engines. Its chat's id is the session id. */
import { agentEnvelope, bind } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import {
  uiMessageRequest,
  uiMessageStream,
} from 'express-agent-envelope/protocols/ui-message-stream';
import { parametersFor } from './conversation.js';
import { failingEngine } from './engines/failing.js';

const inputs = { type: 'object', properties: { messages: { type: 'array', minItems: 1 } } };

/** Adds the route to `app`, before the app's own `agentEnvelope()`: the client's body must become an envelope first. */
export function addChatRoute(app, engines) {
  const own = {
    ...engines,
    failing: failingEngine,
    // The AI SDK takes half a second to load: not before somebody chats.
    'ai-sdk': async () => (await import('./engines/ai-sdk.js')).aiSdkEngine,
  };
  app.post(
    '/chat',
    uiMessageRequest({ limit: '4mb' }),
    agentEnvelope(),
    bind(
      { inputs, parameters: parametersFor(Object.keys(own)) },
      async ({ inputs: { messages }, parameters }, { signal }) => {
        const found = own[parameters.engine ?? 'ai-sdk'];
        const engine = typeof found === 'function' ? await found() : found;
        return uiMessageStream(run(engine, { messages }, { signal }));
      },
    ),
  );
}
