/** A message of `useChat` goes in, what a person sees of it comes out: its parts, and the id in its metadata. */
import { chip } from './chip.js';
import { createElement as h } from './packages.js';

/** The page's own chip. */
export const Chip = ({ id }) => h('span', { ref: (place) => place?.replaceChildren(chip(id)) });

/** @param decide - called with an approval's id and the decision; @param isBusy - whether more of the message may come */
export function Message({ message: { role, parts, metadata }, isBusy, decide }) {
  const isAgent = role === 'assistant';
  return h(
    'li',
    { className: `chat-message ${isAgent ? 'agent' : 'you'}` },
    h('span', { className: 'hidden' }, isAgent ? 'The agent:' : 'You:'),
    parts.map((part, i) => h(Part, { key: i, part, isBusy, decide })),
    metadata?.sessionId && h(Facts, { metadata }),
  );
}

function Facts({ metadata: { sessionId, finishReason, usage } }) {
  const said = [finishReason, usage && `${usage.totalTokens} tokens`].filter(Boolean);
  return h(
    'p',
    { className: 'facts' },
    h('code', {}, 'metadata.sessionId'),
    h(Chip, { id: sessionId }),
    said.join(' · '),
  );
}

function Part({ part, isBusy, decide }) {
  const { type, text, state } = part;
  if (type === 'text') return text && h('p', { className: 'bubble' }, text);
  if (type === 'reasoning') return h(Reasoning, { text, isOpen: isBusy && state === 'streaming' });
  if (type === 'file') {
    return h('img', { className: 'bubble', src: part.url, alt: part.filename ?? 'A picture' });
  }
  if (type === 'dynamic-tool') return h(Tool, { part, isBusy, decide });
  return null;
}

const Reasoning = ({ text, isOpen }) =>
  h(
    'details',
    { className: 'reasoning', open: isOpen },
    h('summary', {}, isOpen ? 'Thinking …' : 'Thought'),
    h('p', {}, text),
  );

function Tool({ part, isBusy, decide }) {
  const { toolName, input, state, approval } = part;
  return h(
    'div',
    { className: 'tool', 'data-state': state },
    h('code', {}, `${toolName}(${Object.values(input ?? {}).join(', ')})`),
    h('p', {}, tell(part, isBusy)),
    state === 'approval-requested' &&
      h(
        'div',
        { className: 'row' },
        h('button', { className: 'primary', onClick: () => decide(approval.id, true) }, 'Allow'),
        h('button', { onClick: () => decide(approval.id, false) }, 'Deny'),
      ),
  );
}

function tell({ state, output, errorText, approval }, isBusy) {
  switch (state) {
    case 'approval-requested':
      return 'The agent asks: may this tool run?';
    case 'approval-responded':
      return approval.approved ? 'Allowed by you.' : 'Denied by you.';
    case 'output-available':
      return `→ ${typeof output === 'string' ? output : JSON.stringify(output)}`;
    case 'output-denied':
      return 'Denied by you: it did not run.';
    case 'output-error':
      return errorText;
    default:
      return isBusy ? 'Running …' : 'Cut off.';
  }
}
