import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import request from 'supertest';

const written: string[] = [];
afterAll(() => {
  for (const file of written) rmSync(file);
});

/** Runs the TypeScript sample of this number of a page as a module; the app is asked without a port. */
async function appOf(page: string, number: number): Promise<Express> {
  const text = readFileSync(new URL(`../${page}.md`, import.meta.url), 'utf8');
  const [, code] = [...text.matchAll(/```ts\n([\s\S]*?)```/g)][number - 1] ?? [];
  if (code === undefined) throw new Error(`${page} has no sample ${number}`);
  const name = `sample-${page.replace('/', '-')}-${number}-${process.pid}.ts`;
  const file = fileURLToPath(new URL(name, import.meta.url));
  written.push(file);
  const quiet = code
    .replace(/^app\.listen\(.*$/m, '')
    .replace('pinoHttp()', "pinoHttp({ level: 'silent' })");
  writeFileSync(file, `${quiet}\nexport { app };\n`);
  return (await import(`./${name}`)).app;
}

const post = (app: Express, path: string, body: string) =>
  request(app).post(path).set('content-type', 'application/json').send(body);

describe('README.md', () => {
  it('has a first block that answers with the id', async () => {
    const app = await appOf('README', 1);
    const reply = await post(app, '/invoke', '{"session_id":"conv-42","inputs":{"a":1}}');
    expect(reply.headers['x-session-id']).toBe('conv-42');
    expect(reply.body.data.outputs).toEqual({ session_id: 'conv-42', heard: { a: 1 } });
  });

  it('streams with a field of its own and inputs checked by Zod, as SSE to a client like curl', async () => {
    const app = await appOf('README', 2);
    const body = '{"session_id":"conv-42","tenant":"acme","data":{"inputs":{"question":"Who is"}}}';
    const reply = await post(app, '/words', body).set('accept', '*/*');
    expect(reply.text).toBe(
      'data: {"tenant":"acme","word":"Who"}\n\ndata: {"tenant":"acme","word":"is"}\n\n',
    );
    const bad = await post(app, '/words', '{"inputs":{"question":7}}');
    expect([bad.status, bad.body.code]).toEqual([422, 'INVALID_INPUT']);
  });
});

describe('docs/mounting.md', () => {
  it('mounts the agent beside the routes and the error handler of the app', async () => {
    const app = await appOf('docs/mounting', 1);
    const reply = await post(
      app,
      '/agent/invoke',
      '{"session_id":"conv-42","data":{"inputs":{"question":"Who are you?"}}}',
    ).set('origin', 'https://app.example');
    expect(reply.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'x-session-id': 'conv-42',
    });
    expect(reply.text).toBe(
      '{"session_id":"conv-42","data":{"outputs":{"session_id":"conv-42","heard":{"question":"Who are you?"}}}}',
    );
    expect((await post(app, '/orders', '{"item":"tea"}')).body).toEqual({ ordered: 'tea' });
    const failed = await post(app, '/orders', 'null');
    expect([failed.status, failed.body]).toEqual([400, { error: 'The app could not do that' }]);
  });

  it('mounts for the whole app, after what needs the bytes', async () => {
    const app = await appOf('docs/mounting', 3);
    expect((await post(app, '/webhook', '{ }')).body).toEqual({ bytes: 3 });
    expect((await post(app, '/invoke', '{"inputs":{"q":1}}')).body.data.outputs).toEqual({ q: 1 });
  });

  it("has the app's own errors answered before problemDetails()", async () => {
    const app = await appOf('docs/mounting', 4);
    const own = await post(app, '/orders', '{}');
    expect([own.status, own.body]).toEqual([409, { error: 'out of stock' }]);
    expect((await post(app, '/orders', '{')).body.code).toBe('MALFORMED_JSON');
  });
});

describe('docs/errors.md', () => {
  it('has an error handler of its own that finds the code and the places', async () => {
    const reply = await post(await appOf('docs/errors', 2), '/', '{"session_id":"not valid"}');
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({
      code: 'INVALID_FIELD',
      errors: [{ pointer: '/session_id' }],
    });
  });
});

describe('docs/binding.md', () => {
  it('gives the handler what the schema makes of the inputs', async () => {
    const app = await appOf('docs/binding', 1);
    const good = await post(app, '/ask', '{"inputs":{"question":"Who?"}}');
    expect(good.body.data.outputs).toEqual({ asked: 'Who?', top: 5 });
    const bad = await post(app, '/ask', '{"inputs":{"question":7}}');
    expect(bad.body).toMatchObject({
      code: 'INVALID_INPUT',
      errors: [{ pointer: '/inputs/question' }],
    });
  });

  it('declares a field once, and binds it by its name', async () => {
    const app = await appOf('docs/binding', 2);
    const good = await post(app, '/invoke', '{"session_id":"conv-42","tenant":"acme"}');
    expect(good.body.data.outputs).toEqual({ conversation: 'conv-42', of: 'ACME', heard: {} });
    const bad = await post(app, '/invoke', '{"tenant":7}');
    expect(bad.body).toMatchObject({ code: 'INVALID_FIELD', errors: [{ pointer: '/tenant' }] });
  });

  it('refuses an envelope without a field that each must bring', async () => {
    const app = await appOf('docs/binding', 3);
    const bad = await post(app, '/', '{"session_id":"conv-42"}');
    expect([bad.status, bad.headers['x-session-id']]).toEqual([400, 'conv-42']);
    expect(bad.body).toMatchObject({ code: 'INVALID_FIELD', errors: [{ pointer: '/tenant' }] });
    const good = await post(app, '/', '{"session_id":"conv-42","tenant":"acme"}');
    expect(good.status).toBe(404);
  });
});
