/** A function that makes a middleware goes in; mounted without being called, it throws where it is mounted. */

/**
 * `app.use(agentEnvelope)` would take the factory itself for the middleware: it returns one, answers nothing, and each
 * request hangs. `app.use()` asks every function for `handle`, to tell whether it is another app.
 */
export function refuseUncalled(factory: { readonly name: string }): void {
  Object.defineProperty(factory, 'handle', {
    get() {
      throw uncalled(factory.name);
    },
  });
}

/** For a router's `use()`, which asks nothing: the factory finds a request in place of its options. */
export function isRequest(options: unknown): boolean {
  return (
    typeof options === 'object' && options !== null && 'headers' in options && 'socket' in options
  );
}

/** The error for both. */
export function uncalled(name: string): TypeError {
  return new TypeError(`${name} makes a middleware and is none. Did you mean app.use(${name}())?`);
}
