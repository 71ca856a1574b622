/** A feed's URL goes in; what it tells comes out, as it comes: `{ service, row }` of a span, `{ service, state }` of the feed. */
export function readFeed({ service, url }, tell) {
  const source = new EventSource(url);
  source.onopen = () => tell({ service, state: 'there' });
  source.onmessage = ({ data }) => tell({ service, row: JSON.parse(data) });
  // It tries again by itself.
  source.onerror = () => tell({ service, state: 'gone' });
}
