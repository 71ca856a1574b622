/** The app over HTTP/2 on Express 5: its requests and responses are made to stand on those of `node:http2`. */
import { readFileSync } from 'node:fs';
import { createSecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import express from 'express';
import { listen, mount } from './app.mjs';

Object.setPrototypeOf(express.request, Http2ServerRequest.prototype);
Object.setPrototypeOf(express.response, Http2ServerResponse.prototype);
const [, , key, cert] = process.argv;
const tls = { key: readFileSync(key), cert: readFileSync(cert) };
await listen(createSecureServer(tls, mount(express())));
