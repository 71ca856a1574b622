/** What a chat begins with: an engine to pick, and what to try. A suggestion is sent at once. */
import { goOnWriting } from './chat-composer.js';
import { samplePicture } from './chat-picture.js';
import { chosen } from './chats.js';
import { createElement as h } from './packages.js';

const TITLES = {
  'ai-sdk': 'ai-sdk: thinks, takes pictures, asks',
  queue: 'queue, by a worker',
  pi: 'pi, in process',
  rivet: 'rivet, by daemon: takes no pictures',
  remote: 'remote runner',
  failing: 'failing, on purpose',
};
const SUGGESTIONS = [
  ['What time is it?', 'a tool that runs'],
  ['Remove draft.txt', 'a tool that asks you first'],
  ['What is in this picture?', 'a picture, sent with it', samplePicture],
  ['Who knows my id?', 'not the model; the spans do'],
];

export function Engine({ engines }) {
  const choose = ({ target }) => {
    chosen.engine = target.value;
  };
  return h(
    'p',
    { className: 'engine' },
    h('label', { htmlFor: 'chat-engine' }, 'Answered by'),
    h(
      'select',
      { id: 'chat-engine', defaultValue: chosen.engine, onChange: choose },
      ['ai-sdk', ...engines, 'failing'].map((name) =>
        h('option', { key: name, value: name }, TITLES[name] ?? name),
      ),
    ),
  );
}

/** At first each with what it shows, then in a line. */
export function Suggestions({ send, isBusy, isFirst }) {
  const items = SUGGESTIONS.map(([text, shows, picture]) => {
    const onClick = () => {
      send({ text, files: picture && [picture()] });
      goOnWriting();
    };
    const button = h(
      'button',
      { type: 'button', className: 'link', disabled: isBusy, onClick },
      text,
    );
    return h('li', { key: text }, button, isFirst && ` ${shows}`);
  });
  return h('ul', { className: isFirst ? 'suggestions first' : 'suggestions' }, items);
}
