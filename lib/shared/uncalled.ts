/** A function that makes a middleware goes in; mounted without being called, it throws where it is mounted. */

import { readMember, readText } from './thrown.js';

/** How each is meant. */
const USAGE = {
  agentEnvelope: 'app.use(agentEnvelope())',
  problemDetails: 'app.use(problemDetails())',
  bind: 'app.post(path, bind(names, handler))',
} as const;

type Factory = keyof typeof USAGE;

/**
 * `app.use(agentEnvelope)` would take the factory itself for the middleware: it returns one, answers nothing, and each
 * request hangs. `app.use()` asks every function for `handle`, to find out whether it is another app.
 */
export function refuseUncalled(factory: { readonly name: string }, name: Factory): void {
  Object.defineProperty(factory, 'handle', {
    get() {
      throw uncalled(name);
    },
  });
}

/**
 * For a route or a router's `use()`, which do not ask for `handle`: the factory finds a request in place of its first argument.
 * Also for `agentEnvelope(app)`, which other libraries want.
 *
 * @throws TypeError that says how the factory is meant
 */
export function refuseMisuse(name: Factory, argument: unknown): void {
  if (isRequest(argument) || isApp(argument)) throw uncalled(name);
}

function isRequest(value: unknown): boolean {
  return readText(value, 'url') !== undefined && typeof readMember(value, 'headers') === 'object';
}

function isApp(value: unknown): boolean {
  const isFunction = (name: string) => typeof readMember(value, name) === 'function';
  return typeof value === 'function' && isFunction('handle') && isFunction('use');
}

function uncalled(name: Factory): TypeError {
  const made = name === 'bind' ? 'handler' : 'middleware';
  return new TypeError(`${name} makes a ${made} and is none. Did you mean ${USAGE[name]}?`);
}
