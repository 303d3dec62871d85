import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // Pages call the server that serves them; while they are written, one that runs beside.
  server: { proxy: { '/api': 'http://127.0.0.1:4747', '/ws': { target: 'ws://127.0.0.1:4747', ws: true } } },
  build: {
    outDir: '../../../dist/inspector',
    emptyOutDir: true,
    target: 'es2023',
    // The first that know `light-dark()`: what is written for older ones follows the system only, and knows no switch.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The content security policy allows no `data:` of scripts, and every file has its hash in its name.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2_000,
  },
})
