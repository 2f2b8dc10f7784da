// Starts the page: builds its parts, joins them, and hands them to React.
import './trusted-types.ts';
import './styles.ts';
import { MantineProvider } from '@mantine/core';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { ApiError, isRefusal } from './api/http.ts';
import { createApi, sessionApi } from './api/index.ts';
import { createSession } from './api/session.ts';
import { browserTabs } from './api/tabs.ts';
import { ServicesProvider } from './data/services.ts';
import { createLive } from './live/live.ts';
import { createPage } from './router.tsx';
import { theme } from './theme.ts';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
// The scroll lock under the drawer writes a style element of its own and looks for the nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce });

const session = createSession({
  ...sessionApi,
  tabs: browserTabs(),
  storage: window.localStorage,
  now: () => Date.now(),
  random: () => Math.random(),
});
// Earlier versions kept the refresh token here.
window.sessionStorage.removeItem('opmas.refresh');
const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof ApiError && error.status === 0) live.suspect();
    },
  }),
  defaultOptions: {
    queries: {
      // A network without the internet is a normal place for this page.
      networkMode: 'always',
      staleTime: 30_000,
      retry: (failures, error) => failures < 2 && !isRefusal(error),
    },
    mutations: { networkMode: 'always' },
  },
});
const feedUrl = `${window.location.origin.replace(/^http/, 'ws')}/api/v1/agents/ws`;
const live = createLive({ session, queries, url: feedUrl });
const services = { session, api: createApi(session), live };
const router = createPage(session);

let signedIn: string | undefined;
session.subscribe(() => {
  const state = session.state();
  const now = state.phase === 'in' ? state.identity.id : undefined;
  // Out, or somebody else since another tab signed in: nothing of before may stay.
  if (state.phase === 'out') {
    live.stop();
    queries.clear();
  } else if (now && signedIn && now !== signedIn) {
    live.stop();
    void queries.resetQueries();
  }
  if (now) live.start();
  if (state.phase !== 'unreachable') signedIn = now;
});
window.addEventListener('online', () => live.retryNow());
void session.restore();

const place = document.getElementById('root');
if (!place) throw new Error('index.html has no #root');
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <ServicesProvider value={services}>
          <App router={router} />
        </ServicesProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
