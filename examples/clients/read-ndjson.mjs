// The items of one POST as they come, without a package.
export async function* readNdjson(url, envelope, { signal } = {}) {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
    body: JSON.stringify(envelope),
    signal,
  });
  if (!reply.ok) throw new Error('The request failed', { cause: await reply.json() });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop(); // the beginning of a line whose end has not come
      for (const line of lines) {
        if (line === '') continue; // a heartbeat
        const item = JSON.parse(line);
        if (item?.type === 'error') throw new Error('The stream failed', { cause: item.error });
        yield item;
      }
    }
  } finally {
    await reader.cancel();
  }
}
