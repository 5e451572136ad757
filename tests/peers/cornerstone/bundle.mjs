// Bundles page.js and the loader's decode worker into dist/, with the codecs where they look for
// them: the loader asks for its worker and for wasm files by addresses relative to itself.
import { build } from 'esbuild';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';

const scope = 'node_modules/@cornerstonejs';
// Emscripten's glue names these, for a branch that a browser never takes.
const absent = {
  name: 'absent-in-browsers',
  setup({ onResolve, onLoad }) {
    const filter = /^(node:)?(fs|path|crypto|url|module|worker_threads|os|events|util|stream|buffer|https?|net|tls|zlib|assert)$/;
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'absent' }));
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'export class EventEmitter {}; export default {};' }));
  },
};
await build({
  entryPoints: { page: 'page.js', decodeImageFrameWorker: `${scope}/dicom-image-loader/dist/esm/decodeImageFrameWorker.js` },
  bundle: true,
  format: 'esm',
  target: 'es2022',
  outdir: 'dist',
  define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
  plugins: [absent],
  logLevel: 'error',
});
for (const codec of readdirSync(scope).filter((name) => name.startsWith('codec-'))) {
  const { exports: offered = {} } = JSON.parse(readFileSync(`${scope}/${codec}/package.json`, 'utf8'));
  for (const [name, target] of Object.entries(offered)) {
    const file = typeof target === 'string' ? target : target.default ?? target.import;
    if (typeof file !== 'string' || !file.endsWith('.wasm')) continue;
    const place = `dist/@cornerstonejs/${codec}/${name}`;
    mkdirSync(place.slice(0, place.lastIndexOf('/')), { recursive: true });
    cpSync(`${scope}/${codec}/${file}`, place);
  }
}
cpSync('index.html', 'dist/index.html');
