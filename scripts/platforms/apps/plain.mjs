/** The app as it is, for runtimes and behind a proxy. */
import express from 'express';
import { listen, mount } from './app.mjs';

await listen(mount(express()));
