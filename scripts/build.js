/** Builds dist/ as tsdown.config.ts says. Not by tsdown's command: that greets Node.js 20 with a warning at each build. */
import { build } from 'tsdown';

// Every npm command builds first: only what went wrong is worth a line. The demo needs no types, and so no compiler for them.
const isForDemo = process.argv.includes('--demo');
await build({ logLevel: 'error', ...(isForDemo && { dts: false }) });
