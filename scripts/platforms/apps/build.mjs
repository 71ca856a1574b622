/** A bundler's name, a format, `inside` or `outside` for Express, and a file go in; the file is `bundled.mjs` in one piece. */
import { writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const [, , bundler, format, place, file] = process.argv;
const entry = './bundled.mjs';
/** Optional peers that are not installed: what their documentation must tell everybody who bundles. */
const peers = ['@earendil-works/pi-ai', '@earendil-works/pi-coding-agent', 'sandbox-agent'];
const external = place === 'outside' ? ['express', ...peers] : peers;

const BUNDLERS = {
  async esbuild() {
    const { build } = await import('esbuild');
    // esbuild's own remedy for CommonJS packages in an ES module.
    const banner = `import { createRequire as from } from 'node:module'; const require = from(import.meta.url);`;
    await build({
      entryPoints: [entry],
      outfile: file,
      format,
      bundle: true,
      platform: 'node',
      target: 'node20',
      logLevel: 'error',
      external,
      ...(format === 'esm' && { banner: { js: banner } }),
    });
  },
  async rollup() {
    const { rollup } = await import('rollup');
    const plugins = await Promise.all(
      ['commonjs', 'json', 'node-resolve'].map(async (name) => {
        const { default: plugin } = await import(`@rollup/plugin-${name}`);
        return plugin(
          name === 'node-resolve' ? { exportConditions: ['node'], preferBuiltins: true } : {},
        );
      }),
    );
    const bundle = await rollup({ input: entry, external, plugins, onwarn() {} });
    await bundle.write({ file, format, inlineDynamicImports: true });
  },
  async webpack() {
    const { default: webpack } = await import('webpack');
    const esm = format === 'esm';
    const compiler = webpack({
      mode: 'production',
      // Shorter names change nothing of what is tried here, and take most of the time.
      optimization: { minimize: false },
      target: 'node20',
      entry,
      externals: external,
      externalsType: esm ? 'module' : 'commonjs',
      experiments: { outputModule: esm },
      output: {
        path: dirname(file),
        filename: basename(file),
        library: { type: esm ? 'module' : 'commonjs2' },
      },
    });
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, done) => (error ? reject(error) : resolve(done))),
    );
    if (stats.hasErrors()) throw new Error(stats.toString('errors-only'));
  },
  async ncc() {
    const { default: ncc } = await import('@vercel/ncc');
    // It imports what is external at once, installed or not; what it does not find, only where it is asked for.
    const externals = external.filter((name) => !peers.includes(name));
    const { code } = await ncc(`${process.cwd()}/${entry}`, { externals, quiet: true });
    writeFileSync(file, code);
  },
};
await BUNDLERS[bundler]();
