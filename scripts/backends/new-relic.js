/** New Relic's collector on the loopback: the agent speaks TLS only. What it was sent comes out, as of the OTLP receiver. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';

const DECODE = { gzip: gunzipSync, deflate: inflateSync };

export async function startNewRelic(
  folder,
  methods = ['analytic_event_data', 'custom_event_data'],
) {
  const { key, cert } = makeCertificate(folder);
  const spans = [];
  const server = https.createServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    async (req, res) => {
      const chunks = [];
      for await (const chunk of req) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const sent = String(DECODE[req.headers['content-encoding']]?.(body) ?? body);
      const method = new URL(req.url, 'https://localhost').searchParams.get('method');
      if (methods.includes(method)) spans.push(...JSON.parse(sent).at(-1).flatMap(EVENTS[method]));
      res.end(JSON.stringify({ return_value: ANSWERS[method]?.(server.address()) ?? null }));
    },
  );
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    env: {
      NEW_RELIC_AI_MONITORING_ENABLED: 'true',
      NEW_RELIC_APP_NAME: 'my-agent',
      NEW_RELIC_HOST: 'localhost',
      NEW_RELIC_LICENSE_KEY: 'none'.repeat(10),
      NEW_RELIC_LOG_ENABLED: 'false',
      NEW_RELIC_PORT: server.address().port,
      NODE_EXTRA_CA_CERTS: cert,
    },
    spans,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const ANSWERS = {
  preconnect: ({ port }) => ({ redirect_host: `localhost:${port}` }),
  connect: () => ({ agent_run_id: 'run', collect_ai: true }),
};

/** The transactions, the calls of a model, and the spans that were made by OpenTelemetry's API. */
const EVENTS = {
  span_event_data: ([{ name, traceId }, , { 'otel.scope.name': otel, ...attributes }]) =>
    otel === undefined ? [] : { span: name, scope: otel, traceId, attributes },
  analytic_event_data: ([{ name, traceId }, attributes]) => ({
    ...{ span: name, scope: 'transaction', traceId, attributes },
  }),
  custom_event_data: ([{ type }, { trace_id, ...attributes }]) => ({
    ...{ span: type, scope: 'event', traceId: trace_id, attributes },
  }),
};

function makeCertificate(folder) {
  const [key, cert] = ['new-relic-key.pem', 'new-relic-cert.pem'].map((name) => join(folder, name));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const args = ['req', '-x509', ...curve, ...name, '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { key, cert };
}
