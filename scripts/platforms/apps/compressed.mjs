/** The app behind `compression()`, on the Express that is named. */
import compression from 'compression';
import { listen, mount } from './app.mjs';

const { default: express } = await import(process.argv[2]);
await listen(mount(express().use(compression())));
