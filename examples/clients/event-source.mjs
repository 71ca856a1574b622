// EventSource with a POST, where it must be one: `eventsource` takes a fetch of your own.
import { EventSource } from 'eventsource';

export function watch(url, envelope, onItem) {
  const source = new EventSource(url, {
    fetch: (input, init) =>
      fetch(input, {
        ...init,
        method: 'POST',
        headers: { ...init.headers, 'content-type': 'application/json' },
        body: JSON.stringify(envelope),
      }),
  });
  source.addEventListener('message', ({ data }) => onItem(JSON.parse(data)));
  // A stream that ends is an error to EventSource: it would send the POST again. So is a failure in the stream.
  source.addEventListener('error', () => source.close());
  return source;
}
