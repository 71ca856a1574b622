/** The packed package goes in, a folder comes out that has it, the apps, and everything that they run on. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, locked } from '../consumer.js';

const APPS = fileURLToPath(new URL('apps', import.meta.url));
const { dependencies } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** Exact, so that a change of the outcome is a change of ours. */
const VERSIONS = {
  '@codegenie/serverless-express': '4.17.1',
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/platform-express': '12.5.1',
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-json': '6.1.0',
  '@rollup/plugin-node-resolve': '16.0.3',
  '@vendia/serverless-express': '4.12.6',
  '@vercel/ncc': '0.45.0',
  bun: '1.4.5',
  compression: '1.8.2',
  deno: '2.9.6',
  esbuild: '0.28.2',
  'http2-express-bridge': '1.0.7',
  'reflect-metadata': '0.2.2',
  rollup: '4.68.8',
  rxjs: '7.8.2',
  'serverless-http': '4.0.0',
  'serverless-http3': 'npm:serverless-http@3.2.0',
  webpack: '5.112.2',
};

const OURS = [
  '@opentelemetry/api',
  '@opentelemetry/context-async-hooks',
  '@opentelemetry/sdk-trace-base',
  'express',
  ...Object.keys(dependencies),
];

export async function installPlatforms(tarball) {
  const ours = Object.fromEntries(OURS.map((name) => [name, locked(name)]));
  const express4 = `npm:express@${locked('express4')}`;
  const folder = await cached('platforms', { ...VERSIONS, ...ours, express4 });
  const target = join(folder, 'node_modules/express-agent-envelope');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
  cpSync(APPS, folder, { recursive: true });
  return folder;
}

/** A platform for each major of Express, by the name under which it is installed. */
export const onBothMajors = (platformOf) =>
  ['express', 'express4'].map((name, i) => {
    const { title, ...platform } = platformOf(name);
    return { title: `${title}, Express ${5 - i}`, ...platform };
  });

/** A folder with Express alone, for bundles that leave it outside. */
export const installExpress = () => cached('platforms-express', { express: locked('express') });
