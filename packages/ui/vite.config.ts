// Builds the page into `dist`; in development hands API calls and the feed to a running server.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const server = `http://127.0.0.1:${process.env['OPMAS_HTTP_PORT'] || '8080'}`;

/** Compressed copies beside each asset, so that the server compresses nothing at run time. */
function compressed(): Plugin {
  let directory = '';
  return {
    name: 'compressed',
    apply: 'build',
    configResolved: ({ root, build }) => {
      directory = join(root, build.outDir, 'assets');
    },
    closeBundle: () => {
      for (const name of readdirSync(directory).filter((file) => /\.(js|css|svg)$/.test(file))) {
        const content = readFileSync(join(directory, name));
        writeFileSync(join(directory, `${name}.gz`), gzipSync(content, { level: 9 }));
        writeFileSync(join(directory, `${name}.br`), brotliCompressSync(content));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  // A data: URI in a style would need an exception in the content security policy.
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The budget is 230 KiB gzipped for the first route, which is about 700 KiB plain.
    chunkSizeWarningLimit: 700,
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server, ws: true },
      '/health': { target: server },
    },
  },
});
