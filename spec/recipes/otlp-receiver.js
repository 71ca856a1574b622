/** OTLP requests over HTTP go in, as protobuf or as JSON; the spans in them come out, as plain objects. */
import { once } from 'node:events';
import http from 'node:http';
import { gunzipSync } from 'node:zlib';

/** Receives on a free port until it is closed. `types` are the media types that came; `others`, the bodies of other requests. */
export async function startReceiver() {
  const spans = [];
  const types = new Set();
  const others = [];
  const server = http.createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
    const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const type = req.headers['content-type'];
    // Vendors have a path of their own before it.
    if (!/\/(v1\/traces|otel)$/.test(req.url.split('?')[0])) others.push(String(body));
    else {
      types.add(type);
      spans.push(...(type === 'application/json' ? fromJson(body) : fromProtobuf(body)));
    }
    if (type !== undefined) res.setHeader('content-type', type);
    res.end(type === 'application/json' ? '{}' : '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    spans,
    types,
    others,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function fromJson(body) {
  return JSON.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(({ name, traceId, attributes = [] }) => ({
        name,
        traceId,
        scope: scope.name,
        attributes: jsonAttributes(attributes),
        resource: jsonAttributes(resource.attributes),
      })),
    ),
  );
}

const jsonAttributes = (attributes) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue]),
  );

/** The numbers are those of opentelemetry/proto/trace/v1/trace.proto; what is not looked at is passed over. */
function fromProtobuf(body) {
  return all(body, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(all(resourceSpans, 1)[0] ?? Buffer.of(), 1);
    return all(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = String(all(all(scopeSpans, 1)[0] ?? Buffer.of(), 1)[0] ?? '');
      return all(scopeSpans, 2).map((span) => ({
        name: String(all(span, 5)[0]),
        traceId: all(span, 1)[0].toString('hex'),
        scope,
        attributes: attributesOf(span, 9),
        resource,
      }));
    });
  });
}

const attributesOf = (message, field) =>
  Object.fromEntries(
    all(message, field).map((pair) => {
      const [text] = all(all(pair, 2)[0] ?? Buffer.of(), 1);
      return [String(all(pair, 1)[0]), text && String(text)];
    }),
  );

/** The length-delimited values of a field: https://protobuf.dev/programming-guides/encoding/ */
function all(message, field) {
  const values = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const length = varint();
      if (tag >> 3 === field) values.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return values;
}
