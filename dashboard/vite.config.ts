import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: '/dashboard/',
  plugins: [tailwindcss()],
  resolve: {
    // It writes a style element, which the page's Content-Security-Policy refuses; the page locks its scrolling by a class.
    alias: { 'react-remove-scroll': here('./src/ui/scroll-stays.tsx') },
  },
  build: {
    outDir: here('../dist/dashboard'),
    emptyOutDir: true,
    // Everything is a file of its own: `default-src 'self'` allows no data: URL.
    assetsInlineLimit: 0,
    target: 'es2022',
    rolldownOptions: {
      // "use client" means nothing where everything runs in the browser.
      onwarn: (warning, warn) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && warn(warning),
    },
  },
  server: {
    // A running earshot; EARSHOT_URL names another one.
    proxy: { '/api': { target: process.env['EARSHOT_URL'] ?? 'http://127.0.0.1:8080', changeOrigin: false } },
  },
});
