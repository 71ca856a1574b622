/** Callbacks go in; they get the tracer provider and the logger provider of the process: now, or when an SDK registers them. */

/** What is kept by name: the globals, and the API's record of what is registered. */
type Holder = Record<PropertyKey, unknown>;
type Found = (provider: unknown) => void;

/** Where `@opentelemetry/api` keeps what is registered. All copies of its major 1 share it: no copy of the API is asked. */
const API_KEY = Symbol.for('opentelemetry.js.api.1');
/** The same of `@opentelemetry/api-logs`, which `@opentelemetry/api` has taken over with 1.10. */
const LOGS_API_KEY = Symbol.for('io.opentelemetry.js.api.logs');
/** The version of its interface that `api-logs` is asked for. */
const LOGS_API_VERSION = 1;

/** Calls back once for each, while the SDK registers it at the latest: before its first span. */
export function onGlobalProviders({ tracer, logger }: { tracer: Found; logger: Found }): void {
  onValue(globalThis as unknown as Holder, API_KEY, (api) => {
    onValue(api as Holder, 'trace', (proxy, isNew) => {
      onDelegate(proxy as Holder, isNew, tracer);
    });
    onValue(api as Holder, 'logs', logger);
  });
  onValue(globalThis as unknown as Holder, LOGS_API_KEY, (providerOf) => {
    logger((providerOf as (version: number) => unknown)(LOGS_API_VERSION));
  });
}

/** Calls back with the value of a property, now or while it is first set. Nobody polls; the one who sets it finds it absent. */
function onValue(
  holder: Holder,
  key: PropertyKey,
  found: (value: unknown, isNew: boolean) => void,
): void {
  if (holder[key] !== undefined) {
    found(holder[key], false);
    return;
  }
  Object.defineProperty(holder, key, {
    configurable: true,
    get: () => undefined,
    set(value: unknown) {
      const property = { configurable: true, enumerable: true, writable: true, value };
      Object.defineProperty(holder, key, property);
      found(value, true);
    },
  });
}

/** The API registers a proxy, and gives it the SDK's provider right after. Another provider stands for itself. */
function onDelegate(proxy: Holder, isNew: boolean, found: Found): void {
  const { getDelegate, setDelegate } = proxy;
  if (typeof getDelegate !== 'function' || typeof setDelegate !== 'function') found(proxy);
  else if (!isNew) found(getDelegate.call(proxy));
  else {
    proxy.setDelegate = (provider: unknown) => {
      delete proxy.setDelegate;
      setDelegate.call(proxy, provider);
      found(provider);
    };
  }
}
