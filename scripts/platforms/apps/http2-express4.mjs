/** The app over HTTP/2 on Express 4, with `http2-express-bridge`, which knows no later one. */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import express from 'express4';
import bridge from 'http2-express-bridge';
import { listen, mount } from './app.mjs';

const [, , key, cert] = process.argv;
const tls = { key: readFileSync(key), cert: readFileSync(cert) };
await listen(createSecureServer(tls, mount(bridge(express))));
