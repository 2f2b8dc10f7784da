// Builds the page into `dist`; in development hands API calls and the feed to a running server.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = `http://127.0.0.1:${process.env['OPMAS_HTTP_PORT'] || '8080'}`;

export default defineConfig({
  plugins: [react()],
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
