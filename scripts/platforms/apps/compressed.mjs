/** The app behind `compression()`. */
import compression from 'compression';
import express from 'express';
import { listen, mount } from './app.mjs';

await listen(mount(express().use(compression())));
