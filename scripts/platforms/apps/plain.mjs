/** The app as it is, for runtimes and behind a proxy, on the Express that is named: `express` or `express4`. */
import { listen, mount } from './app.mjs';

const { default: express } = await import(process.argv[2]);
await listen(mount(express()));
