/**
 * Starts the demo, and that of the queue where there is a Redis, drives their pages in a real Chromium, and says what holds.
 * `SCREENSHOTS=dir` also takes the pictures; an argument picks checks by name.
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { checks } from '../spec/browser/checks.js';
import { drive } from '../spec/browser/page-driver.js';
import { queueChecks } from '../spec/browser/queue-checks.js';
import { takeScreenshots } from '../spec/browser/screenshots.js';
import { cached } from './consumer.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE_MS = 20_000;
const wanted = new RegExp(process.argv[2] ?? '');
const pick = (all) => all.filter(([name]) => wanted.test(name));
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

if (!existsSync(CHROMIUM)) {
  console.error(`test:browser needs Chromium: there is none at ${CHROMIUM}.
On Debian: apt-get install -y chromium. Elsewhere: CHROMIUM=/path/to/chromium npm run test:browser`);
  process.exit(1);
}

// Only this command needs it: kept out of what `npm test` installs.
const axe = join(await cached('axe', { 'axe-core': '4.14.1' }), 'node_modules/axe-core/axe.min.js');
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
let passed = 0;
let failed = 0;
try {
  await visit('start.js', pick(checks), async ({ url }) => {
    if (!process.env.SCREENSHOTS) return;
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    const pictures = await takeScreenshots(browser, url, process.env.SCREENSHOTS);
    for (const { file, bytes } of pictures) console.log(`${file}  ${Math.round(bytes / 1024)} kB`);
  });
  if (hasRedis) await visit('start-queue.js', pick(queueChecks));
  else console.log('No redis-server here: the demo of the queue is left out.');
} finally {
  await browser.close();
}
console.log(`test:browser: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function visit(script, picked, before = async () => {}) {
  if (picked.length === 0) return;
  const demo = await startDemo(script);
  try {
    await before(demo);
    await runChecks(demo, picked);
  } finally {
    await stopDemo(demo);
  }
}

async function runChecks(demo, picked) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const errors = watchErrors(page);
  await page.goto(demo.url);
  await page.locator('body[data-ready]').waitFor();
  const driver = { ...drive(page), browser, axe, errors, pids: demo.pids };
  for (const [name, check] of picked) await attempt(name, () => check(driver));
}

async function attempt(name, check) {
  try {
    await check();
    console.log(`ok      ${name}`);
    passed += 1;
  } catch (error) {
    console.log(`FAILED  ${name}\n${error.stack}\n`);
    failed += 1;
  }
}

/** A refusal is what some requests are there for; the browser reports each as an error of its own. */
function watchErrors(page) {
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    if (/the server responded with a status of [45]\d\d/.test(message.text())) return;
    errors.push(message.text());
  });
  return errors;
}

/** On free ports. Resolves when it has said where it is. */
async function startDemo(name) {
  const script = fileURLToPath(new URL(`../demo-app/${name}`, import.meta.url));
  const env = { ...process.env, PORT: '0', RUNNER_PORT: '0' };
  // A key or a runner of this machine would make another demo of it.
  for (const name of Object.keys(env)) {
    if (/_API_KEY$|^RUNNER_URL$|^OTEL_/.test(name)) delete env[name];
  }
  const child = fork(script, { env, silent: true });
  child.stderr.pipe(process.stderr);
  const pids = {};
  let url;
  for await (const line of createInterface({ input: child.stdout })) {
    url ??= /The demo is at {2}(\S+)/.exec(line)?.[1];
    const [, name, pid] = /^ {4}(\S+(?: \d)?) .* pid (\d+)$/.exec(line) ?? [];
    if (name) pids[name] = Number(pid);
    if (/Ctrl-C ends it/.test(line)) break;
  }
  if (!url) throw new Error(`The demo did not start (exit code ${child.exitCode})`);
  // Read on: a full pipe would stop it.
  child.stdout.resume();
  return { child, url, pids };
}

function stopDemo(demo) {
  return attempt('Ctrl-C ends the demo and leaves no process behind', async () => {
    const { child, pids } = demo;
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    const timer = setTimeout(() => {
      for (const pid of [child.pid, ...Object.values(pids)])
        if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }, PATIENCE_MS);
    const [code] = await exited;
    clearTimeout(timer);
    const left = Object.entries(pids).filter(([, pid]) => isAlive(pid));
    if (code !== 0 || left.length > 0) throw new Error(`Exit code ${code}, left: ${left.join()}`);
  });
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
