/** The body of the AI SDK's chat goes in, an envelope comes out. */
import type { RequestHandler } from 'express';
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import type { AgentMessage, MessagePart } from '../../shared/messages.js';
import { escapePointer } from '../../shared/pointer.js';
import type { ToolApproval } from '../../shared/run-events.js';
import { type ClientRequestOptions, clientRequest } from '../client-request.js';
import { cutOff, fromUrl, notCarried, refused, toMessage } from '../message-parts.js';

/**
 * Takes the requests of an unmodified `useChat`: its chat's `id` becomes the `session_id`, its UI messages `inputs.messages`, what
 * `run()` takes. Mount it before `agentEnvelope()`. A body of anything else passes untouched.
 *
 * It parses the body itself when nothing has, and **replaces `req.body`** by the envelope. Members that the app adds to the
 * body stay at its top level, where the fields of the allowlist are.
 *
 * What the user answers to a tool that asks (`addToolApprovalResponse`) becomes a part `tool.approval` of a message of the user.
 *
 * Earlier reasoning is left out, since models think anew. A part that an envelope cannot carry (a data part, a source) is a 422.
 * Every error of the route reaches the client as text, which `useChat` shows as its `error`.
 *
 * @param options - see {@link ClientRequestOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws {@link index!EnvelopeError | EnvelopeError} to `next`, from `agentEnvelope()`, in the session: `INVALID_INPUT` (422);
 * from `bind()`, when it is mounted after `agentEnvelope()`: `MIDDLEWARE_MISSING` (500)
 * @example
 * ```ts
 * app.post('/api/chat', uiMessageRequest({ limit: '8mb' }), agentEnvelope(), bind(['inputs'], chat));
 * ```
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/transport
 */
export function uiMessageRequest(options?: ClientRequestOptions): RequestHandler {
  return clientRequest(
    {
      name: 'uiMessageRequest',
      isOwn: ({ messages, data, inputs }) =>
        Array.isArray(messages) && data === undefined && inputs === undefined,
      sessionId: ({ id }) => id,
      inputs: ({ messages }) => ({ messages: toMessages(messages as unknown[]) }),
      taken: ['id', 'messages'],
    },
    options,
  );
}

function toMessages(messages: readonly unknown[]): AgentMessage[] {
  // Whatever is looked for in all messages is looked for once: a client may send as many as it likes.
  const last = messages.findLastIndex(isAnswer);
  return messages.flatMap((message, i) => {
    const at = `/messages/${i}`;
    if (!isJsonObject(message)) throw notCarried(at, 'must be an object');
    const { role, parts } = message;
    if (role !== 'system' && role !== 'user' && role !== 'assistant') {
      throw notCarried(`${at}/role`, 'must be one of system, user, assistant');
    }
    if (!Array.isArray(parts)) throw notCarried(`${at}/parts`, 'must be an array');
    const decided = i === last ? decisionsIn(parts) : [];
    const ids = new Set(decided.map(({ id }) => id));
    return [
      ...toMessage(
        role,
        parts.flatMap((part, j) => toParts(part, `${at}/parts/${escapePointer(String(j))}`, ids)),
      ),
      ...toMessage('user', decided),
    ];
  });
}

const isAnswer = (message: unknown) => isJsonObject(message) && message.role === 'assistant';

/** What the user decides in this turn is in the last step of the last answer, which goes on after it. */
function decisionsIn(parts: readonly unknown[]): ToolApproval[] {
  const objects = parts.filter(isJsonObject);
  const begin = objects.findLastIndex(({ type }) => type === 'step-start');
  return objects.slice(begin + 1).flatMap(({ state, toolCallId: id, approval }) => {
    if (state !== 'approval-responded' || typeof id !== 'string') return [];
    return [{ type: 'tool.approval' as const, id, approved: isApproved(approval) }];
  });
}

const isApproved = (approval: unknown) => isJsonObject(approval) && approval.approved === true;

/** @param decided - the calls that the user decides about in this turn */
function toParts(part: unknown, at: string, decided: ReadonlySet<string>): MessagePart[] {
  if (!isJsonObject(part) || typeof part.type !== 'string') {
    throw notCarried(at, 'must be an object with a type');
  }
  const { type, text, mediaType, url } = part;
  if (type === 'text' && typeof text === 'string') return text === '' ? [] : [{ type, text }];
  // Structure, and what models think anew.
  if (type === 'step-start' || type === 'reasoning') return [];
  if (type === 'file' && typeof mediaType === 'string' && typeof url === 'string') {
    return [fromUrl(mediaType, url, at)];
  }
  if (type === 'dynamic-tool') return toToolParts(part, part.toolName, at, decided);
  if (type.startsWith('tool-')) return toToolParts(part, type.slice('tool-'.length), at, decided);
  throw notCarried(at, 'must be a part of text, reasoning, a file or a tool');
}

function toToolParts(
  part: JsonObject,
  name: unknown,
  at: string,
  decided: ReadonlySet<string>,
): MessagePart[] {
  const { toolCallId: id, state, input, output, errorText } = part;
  if (typeof id !== 'string') throw notCarried(`${at}/toolCallId`, 'must be a string');
  if (typeof name !== 'string') throw notCarried(`${at}/toolName`, 'must be a string');
  const call: MessagePart = { type: 'tool.call', id, name, arguments: input ?? {} };
  switch (state) {
    case 'output-available':
      return [call, { type: 'tool.result', id, output, is_error: false }];
    case 'output-error':
      return [call, { type: 'tool.result', id, output: errorText, is_error: true }];
    case 'output-denied':
      return [call, refused(id)];
    case 'approval-responded':
      if (decided.has(id)) return [call];
      return [call, isApproved(part.approval) ? cutOff(id) : refused(id)];
    default:
      return [call, cutOff(id)];
  }
}
