/** HTTP/2 over TLS, by the compatibility API, on both majors of Express. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../consumer.js';
import { connected } from './checks.js';
import { overHttp2 } from './clients.js';
import { start } from './process.js';

async function makeCertificate(folder) {
  const [key, cert] = ['tls-key.pem', 'tls-cert.pem'].map((name) => join(folder, name));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await output(
    'openssl',
    ['req', '-x509', ...curve, ...name, '-keyout', key, '-out', cert],
    folder,
  );
  return { key, cert };
}

export const http2 = [5, 4].map((major) => ({
  title: `HTTP/2, Express ${major}`,
  checks: connected,
  async start(folder) {
    const { key, cert } = await makeCertificate(folder);
    const app = await start(process.execPath, [`http2-express${major}.mjs`, key, cert], folder);
    const { send, close } = overHttp2(`https://127.0.0.1:${app.port}`, readFileSync(cert));
    const stop = () => {
      close();
      return app.stop();
    };
    return { send, stop };
  },
}));
