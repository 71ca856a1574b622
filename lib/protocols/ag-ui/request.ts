/** The `RunAgentInput` of the AG-UI protocol goes in, an envelope comes out. */
import type { RequestHandler } from 'express';
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import type { AgentMessage, MessagePart } from '../../shared/messages.js';
import type { ToolApproval } from '../../shared/run-events.js';
import { type ClientRequestOptions, clientRequest } from '../client-request.js';
import { fromUrl, notCarried, toMedia, toMessage } from '../message-parts.js';
import { toCalls, toolsOf } from './tools.js';

const INPUTS = ['parentRunId', 'state', 'tools', 'context', 'forwardedProps', 'resume'];

/**
 * Takes the requests of an unmodified `HttpAgent` of `@ag-ui/client`: its `threadId` becomes the `session_id`, its messages
 * `inputs.messages`, what `run()` takes; `runId`, `state`, `tools`, `context` and `forwardedProps` are inputs by their own names.
 * What resumes an interrupted run, `{ approved }` as the payload, becomes a part `tool.approval` of a message of the user. Mount it
 * before `agentEnvelope()`. A body of anything else passes untouched.
 *
 * It parses the body itself when nothing has, and **replaces `req.body`** by the envelope. Earlier reasoning is left out, since
 * models think anew. A message or a part that an envelope cannot carry is a 422. Every error of the route reaches the client as text.
 *
 * @param options - see {@link ClientRequestOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws {@link index!EnvelopeError | EnvelopeError} to `next`, from `agentEnvelope()`, in the session: `INVALID_INPUT` (422);
 * from `bind()`, when it is mounted after `agentEnvelope()`: `MIDDLEWARE_MISSING` (500)
 * @example
 * ```ts
 * app.post('/agent', agUiRequest(), agentEnvelope(), bind(['inputs'], chat));
 * ```
 * @see https://docs.ag-ui.com/concepts/messages
 */
export function agUiRequest(options?: ClientRequestOptions): RequestHandler {
  return clientRequest(
    {
      name: 'agUiRequest',
      isOwn: ({ threadId, messages }) => typeof threadId === 'string' && Array.isArray(messages),
      sessionId: ({ threadId }) => threadId,
      inputs: (body) => ({
        ...Object.fromEntries(Object.entries(body).filter(([name]) => INPUTS.includes(name))),
        ...toRunId(body.runId),
        messages: toMessages(body.messages as unknown[], toApprovals(body.resume)),
      }),
      taken: ['threadId', 'runId', 'messages', ...INPUTS],
    },
    options,
  );
}

/** Absent or null, it is `agUiEvents()` that makes one. */
function toRunId(runId: unknown): { runId?: string } {
  if (runId === undefined || runId === null) return {};
  if (typeof runId === 'string' && runId !== '') return { runId };
  throw notCarried('/runId', 'must be a string that is not empty');
}

/** What the user answers to the interrupts of the run before, one for each call. */
function toApprovals(resume: unknown): ToolApproval[] {
  if (resume === undefined || resume === null) return [];
  if (!Array.isArray(resume)) throw notCarried('/resume', 'must be an array');
  return resume.map((entry, i) => {
    const { interruptId: id, status, payload } = Object(entry) as JsonObject;
    const at = `/resume/${i}`;
    if (typeof id !== 'string') throw notCarried(`${at}/interruptId`, 'must be a string');
    if (status === 'cancelled') return { type: 'tool.approval', id, approved: false };
    const approved = isJsonObject(payload) ? payload.approved : undefined;
    if (typeof approved !== 'boolean') {
      throw notCarried(`${at}/payload/approved`, 'must be true or false');
    }
    return { type: 'tool.approval', id, approved };
  });
}

function toMessages(
  messages: readonly unknown[],
  approvals: readonly ToolApproval[],
): AgentMessage[] {
  const afterwards = toolsOf(messages, approvals);
  const conversation = messages.flatMap((message, i) => {
    const at = `/messages/${i}`;
    if (!isJsonObject(message)) throw notCarried(at, 'must be an object');
    switch (message.role) {
      case 'system':
      case 'developer':
        return toMessage('system', toParts(message.content, at));
      case 'user':
        return toMessage('user', toParts(message.content, at));
      case 'assistant':
        return toMessage('assistant', [
          ...toParts(message.content, at),
          ...toCalls(message.toolCalls, afterwards, at),
        ]);
      // Results stand beside their calls.
      case 'tool':
      case 'reasoning':
        return [];
      default:
        throw notCarried(
          `${at}/role`,
          'must be one of system, developer, user, assistant, tool, reasoning',
        );
    }
  });
  // The client has added no message of the user to an interrupted run.
  return [...conversation, ...toMessage('user', approvals)];
}

function toParts(content: unknown, at: string): MessagePart[] {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) {
    throw notCarried(`${at}/content`, 'must be a string or a list of parts');
  }
  return content.map((part, j) => toPart(part, `${at}/content/${j}`));
}

const MEDIA: readonly unknown[] = ['image', 'document', 'audio', 'video'];

function toPart(part: unknown, at: string): MessagePart {
  if (!isJsonObject(part)) throw notCarried(at, 'must be an object');
  const { type, text, source, mimeType, data, url } = part;
  if (type === 'text' && typeof text === 'string') return { type, text };
  if (type === 'binary') return toSource({ mimeType, data, url }, at);
  if (MEDIA.includes(type) && isJsonObject(source)) {
    const { type: kind, value } = source;
    if (kind === 'data') return toSource({ mimeType: source.mimeType, data: value }, at);
    if (kind === 'url') return toSource({ mimeType: source.mimeType, url: value }, at);
  }
  throw notCarried(at, 'must be text, or media with its data or its url');
}

function toSource({ mimeType, data, url }: JsonObject, at: string): MessagePart {
  if (typeof mimeType !== 'string') throw notCarried(at, 'must have a mimeType');
  if (typeof data === 'string') return toMedia(mimeType, { data });
  if (typeof url === 'string') return fromUrl(mimeType, url, at);
  throw notCarried(at, 'must have its data or its url');
}
