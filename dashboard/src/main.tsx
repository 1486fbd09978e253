import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { queryClient } from './query.ts';
import './style.css';
import { loadWords } from './words/words.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no place for the dashboard.');
// The words come first, so that nothing is shown in one language and then in another.
await loadWords();
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
