/** What the person writes and attaches goes in; it is sent, stopped or asked again. */

import { fromFile } from './chat-picture.js';
import { byId } from './dom.js';
import { createElement as h, useState } from './packages.js';

/** The focus alone would bring it to the middle of the screen, and the spans out of sight. */
export function goOnWriting() {
  const message = byId('chat-message');
  message.focus({ preventScroll: true });
  message.form.scrollIntoView({ block: 'nearest' });
}

export function Composer({ chat, messages, status, isBusy }) {
  const [text, setText] = useState('');
  const [picture, setPicture] = useState();
  const send = () => {
    if (isBusy || (!text.trim() && !picture)) return;
    chat.sendMessage({ text, files: picture && [picture] });
    setText('');
    setPicture(undefined);
    goOnWriting();
  };
  const onKeyDown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return h(
    'form',
    {
      onSubmit: (event) => {
        event.preventDefault();
        send();
      },
    },
    h('label', { className: 'hidden', htmlFor: 'chat-message' }, 'Your message'),
    h('textarea', {
      id: 'chat-message',
      rows: 2,
      value: text,
      placeholder: 'Enter sends, Shift+Enter begins a line',
      onChange: ({ target }) => setText(target.value),
      onKeyDown,
    }),
    h(
      'div',
      { className: 'row chat-actions' },
      h(Attachment, { picture, setPicture }),
      h(Actions, { chat, messages, isBusy }),
    ),
    h('p', { className: 'status', role: 'status' }, say(status, messages)),
  );
}

function say(status, messages) {
  if (status === 'submitted' || status === 'streaming') return 'Answering …';
  if (status === 'error') return 'The turn has failed.';
  const asks = messages.at(-1)?.parts.some(({ state }) => state === 'approval-requested');
  return asks ? 'The agent waits: allow the tool, or deny it.' : 'Ready.';
}

function Attachment({ picture, setPicture }) {
  const attach = async ({ target }) => {
    const [file] = target.files;
    if (file) setPicture(await fromFile(file));
    target.value = '';
  };
  return [
    h(
      'label',
      { key: 'attach', className: 'attach' },
      'Attach a picture',
      h('input', { type: 'file', className: 'hidden', accept: 'image/*', onChange: attach }),
    ),
    picture && h('img', { key: 'picture', src: picture.url, alt: picture.filename }),
    picture &&
      h(
        'button',
        {
          key: 'remove',
          type: 'button',
          className: 'link',
          onClick: () => setPicture(undefined),
        },
        'Remove',
      ),
  ];
}

function Actions({ chat, messages, isBusy }) {
  const canRepeat = !isBusy && messages.at(-1)?.role === 'assistant';
  const thenWrite = (act) => () => {
    act();
    goOnWriting();
  };
  const button = (name, isEnabled, act) =>
    h('button', { type: 'button', disabled: !isEnabled, onClick: thenWrite(act) }, name);
  return h(
    'span',
    { className: 'row actions' },
    button('Regenerate', canRepeat, () => chat.regenerate()),
    button('Stop', isBusy, () => chat.stop()),
    h('button', { type: 'submit', className: 'primary', disabled: isBusy }, 'Send'),
  );
}
