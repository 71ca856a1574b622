/** What the person writes and attaches goes in; it is sent, stopped or asked again. */

import { fromFile, samplePicture } from './chat-picture.js';
import { chosen } from './chats.js';
import { byId } from './dom.js';
import { createElement as h, useState } from './packages.js';

const ENGINES = [
  ['ai-sdk', 'ai-sdk: thinks, takes pictures, asks'],
  ['pi', 'pi, in process'],
  ['rivet', 'rivet, by daemon: takes no pictures'],
  ['remote', 'remote runner'],
  ['failing', 'failing, on purpose'],
];
const PICTURE = 'What is in this picture?';
const SUGGESTIONS = ['What time is it?', 'Remove draft.txt', PICTURE, 'Who knows my id?'];

export function Composer({ chat, messages, status, isBusy }) {
  const [text, setText] = useState('');
  const [picture, setPicture] = useState();
  const send = (words, files = picture && [picture]) => {
    if (isBusy || (!words.trim() && !files)) return;
    chat.sendMessage({ text: words, files });
    setText('');
    setPicture(undefined);
    byId('chat-message').focus();
  };
  const onKeyDown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send(text);
  };
  return h(
    'form',
    {
      onSubmit: (event) => {
        event.preventDefault();
        send(text);
      },
    },
    h(
      'p',
      { className: 'suggestions' },
      'Try ',
      SUGGESTIONS.map((words) =>
        h(
          'button',
          {
            key: words,
            type: 'button',
            className: 'link',
            disabled: isBusy,
            onClick: () => send(words, words === PICTURE ? [samplePicture()] : undefined),
          },
          words,
        ),
      ),
    ),
    h('label', { htmlFor: 'chat-message' }, 'Your message'),
    h('textarea', {
      id: 'chat-message',
      rows: 2,
      value: text,
      placeholder: 'Enter sends, Shift+Enter begins a line',
      onChange: ({ target }) => setText(target.value),
      onKeyDown,
    }),
    h(Attachment, { picture, setPicture }),
    h(Actions, { chat, messages, isBusy }),
    h('p', { className: 'status', role: 'status' }, say(status, messages)),
  );
}

function say(status, messages) {
  if (status === 'submitted' || status === 'streaming') return 'Answering …';
  const asks = messages.at(-1)?.parts.some(({ state }) => state === 'approval-requested');
  return asks ? 'The agent waits: allow the tool, or deny it.' : 'Ready.';
}

function Attachment({ picture, setPicture }) {
  return h(
    'div',
    { className: 'row attachment' },
    h(
      'label',
      { className: 'attach' },
      'Attach a picture',
      h('input', {
        type: 'file',
        className: 'hidden',
        accept: 'image/*',
        onChange: async ({ target }) => {
          const [file] = target.files;
          if (file) setPicture(await fromFile(file));
          target.value = '';
        },
      }),
    ),
    picture && h('img', { src: picture.url, alt: picture.filename }),
    picture &&
      h(
        'button',
        { type: 'button', className: 'quiet', onClick: () => setPicture(undefined) },
        'Remove the picture',
      ),
  );
}

function Actions({ chat, messages, isBusy }) {
  const canRepeat = !isBusy && messages.at(-1)?.role === 'assistant';
  const stop = () => {
    chat.stop();
    byId('chat-message').focus();
  };
  const again = () => {
    chat.regenerate();
    byId('chat-message').focus();
  };
  return [
    h('label', { key: 'label', htmlFor: 'chat-engine' }, 'Engine'),
    h(
      'select',
      {
        key: 'engine',
        id: 'chat-engine',
        defaultValue: chosen.engine,
        onChange: ({ target }) => {
          chosen.engine = target.value;
        },
      },
      ENGINES.map(([name, title]) => h('option', { key: name, value: name }, title)),
    ),
    h(
      'div',
      { key: 'actions', className: 'row actions' },
      h('button', { type: 'submit', className: 'primary', disabled: isBusy }, 'Send'),
      h('button', { type: 'button', disabled: !isBusy, onClick: stop }, 'Stop'),
      h('button', { type: 'button', disabled: !canRepeat, onClick: again }, 'Regenerate'),
    ),
  ];
}
