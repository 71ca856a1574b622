/** A conversation goes in as a client may have sent it; the first place that breaks a rule comes out. */
import type { ErrorDetail } from '../shared/errors.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';
import type { AgentMessage, MessagePart } from '../shared/messages.js';
import { brokenMember, EVENT_RULES, FLAG, type Rules, TEXT } from './event-check.js';

type Role = AgentMessage['role'];
type PartType = MessagePart['type'];

const ROLES: readonly unknown[] = ['system', 'user', 'assistant'] satisfies Role[];

const MEDIA: Rules = {
  media_type: {
    text: 'a media type, type/subtype',
    holds: (value) =>
      typeof value === 'string' && /^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64}$/.test(value),
  },
};

/** What a part must have, and whose message it may be in. */
const PARTS: Readonly<
  Record<PartType, { readonly rules: Rules; readonly roles: readonly Role[] }>
> = {
  text: { rules: { text: TEXT }, roles: ['system', 'user', 'assistant'] },
  image: { rules: MEDIA, roles: ['user'] },
  file: { rules: MEDIA, roles: ['user'] },
  'tool.call': { rules: EVENT_RULES['tool.call'], roles: ['assistant'] },
  'tool.result': { rules: EVENT_RULES['tool.result'], roles: ['assistant'] },
  'tool.approval': { rules: { id: TEXT, approved: FLAG }, roles: ['user'] },
};

/** The types of parts that there are. */
export const PART_TYPES: readonly string[] = Object.keys(PARTS);

/**
 * Checks messages: they often come from a client, and the route may have declared no schema.
 *
 * @returns the place, relative to the messages, or `undefined` when every rule holds
 */
export function faultOfMessages(messages: unknown): ErrorDetail | undefined {
  if (!Array.isArray(messages)) return fault('', 'must be an array');
  const calls: Calls = new Map();
  for (const [i, message] of messages.entries()) {
    const broken = faultOfMessage(message, calls);
    if (broken !== undefined) return fault(`/${i}${broken.pointer}`, broken.detail);
  }
  const last = messages.findLast(({ role }) => role !== 'system');
  if (last?.role === 'user') return undefined;
  return fault('', 'must end with a message of the user');
}

/** Whether each call so far has its result, by its id. */
type Calls = Map<unknown, boolean>;

function faultOfMessage(message: unknown, calls: Calls): ErrorDetail | undefined {
  if (!isJsonObject(message)) return fault('', 'must be an object');
  const { role, content } = message;
  if (!ROLES.includes(role)) return fault('/role', `must be one of ${ROLES.join(', ')}`);
  if (typeof content === 'string') return undefined;
  if (!Array.isArray(content) || content.length === 0) {
    return fault('/content', 'must be a string, or a list of at least one part');
  }
  for (const [i, part] of content.entries()) {
    const broken = faultOfPart(part, role as Role, calls);
    if (broken !== undefined) return fault(`/content/${i}${broken.pointer}`, broken.detail);
  }
  return undefined;
}

function faultOfPart(part: unknown, role: Role, calls: Calls): ErrorDetail | undefined {
  if (!isJsonObject(part)) return fault('', 'must be an object');
  const { type, id } = part;
  if (typeof type !== 'string' || !Object.hasOwn(PARTS, type)) {
    return fault('/type', `must be one of ${PART_TYPES.join(', ')}`);
  }
  const { rules, roles } = PARTS[type as PartType];
  if (!roles.includes(role)) {
    return fault('/type', `must not be ${type} in a message of the ${role}: only of the ${roles}`);
  }
  const broken = brokenMember(part, rules);
  if (broken !== undefined) return fault(`/${broken.member}`, broken.rule);
  return rules === MEDIA ? faultOfMedia(part) : faultOfTool(type, id, calls);
}

/** A provider refuses a result without a call, and a call that has run cannot be approved any more. */
function faultOfTool(type: string, id: unknown, calls: Calls): ErrorDetail | undefined {
  if (type === 'tool.call') calls.set(id, false);
  if (type === 'tool.result') {
    if (!calls.has(id)) return fault('/id', 'must be that of a tool.call before it');
    calls.set(id, true);
  }
  if (type === 'tool.approval' && calls.get(id) !== false) {
    return fault('/id', 'must be that of a tool.call before it, without a tool.result');
  }
  return undefined;
}

function faultOfMedia({ type, media_type, data, url }: JsonObject): ErrorDetail | undefined {
  if (type === 'image' && !String(media_type).startsWith('image/')) {
    return fault('/media_type', 'must be that of an image, image/…');
  }
  if ((data === undefined) === (url === undefined)) {
    return fault('', 'must have either data or url');
  }
  if (data !== undefined && !isBase64(data)) return fault('/data', 'must be base64, not empty');
  if (url !== undefined && !isHttpUrl(url)) return fault('/url', 'must be an http: or https: URL');
  return undefined;
}

function isBase64(value: unknown): boolean {
  return (
    typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value)
  );
}

function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  return /^https?:$/.test(new URL(value).protocol);
}

function fault(pointer: string, detail: string): ErrorDetail {
  return { pointer, detail };
}
