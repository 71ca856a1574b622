/** The app with engines: what a bundler makes one file of. */
import express from 'express';
import { bind } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { pi } from 'express-agent-envelope/engines/pi';
import { remote } from 'express-agent-envelope/engines/remote';
import { rivet } from 'express-agent-envelope/engines/rivet';
import { listen, mount } from './app.mjs';

const echo = {
  name: 'echo',
  open: async () => ({
    id: 'own-id',
    async *prompt({ messages }) {
      yield { type: 'message.delta', delta: messages.at(-1).content };
    },
    close: async () => {},
  }),
};

/** What is said where an adapter's package is not there. */
function complaint(make) {
  try {
    make();
  } catch ({ code, message }) {
    return `${code} ${message}`;
  }
}

listen(
  mount(express(), {
    '/run': bind(['messages'], ({ messages }) => run(echo, { messages })),
    '/remote': bind(['messages', 'url'], ({ messages, url }) => run(remote({ url }), { messages })),
    '/peers': bind([], () => [complaint(pi), complaint(rivet)]),
  }),
);
