// The page's addresses: which screen each one is, who may see it, and what its query means.
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import type { Session } from './api/session.ts';
import { readFindingsSearch } from './findings/filter.ts';
import { Fleet } from './fleet/Fleet.tsx';
import { readFleetFilter } from './fleet/filter.ts';
import { insidePath, parseSearch, stringifySearch, words } from './lib/search.ts';
import { Shell } from './shell/Shell.tsx';
import { Broken, NotFound, Starting } from './shell/Trouble.tsx';
import { Login } from './signin/Login.tsx';

const root = createRootRouteWithContext<{ session: Session }>()({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = insidePath(search['next']);
    return next ? { next } : {};
  },
  beforeLoad: ({ context, search }) => {
    if (context.session.state().phase === 'in') {
      redirect({ href: search.next ?? '/', throw: true });
    }
  },
  component: Login,
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search: Record<string, unknown>): { code?: string } => {
    const code = words(search['code'], 256);
    return code ? { code } : {};
  },
  component: lazyRouteComponent(() => import('./signin/Setup.tsx'), 'Setup'),
});

const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  beforeLoad: ({ context, location }) => {
    if (context.session.state().phase === 'in') return;
    const next = location.href === '/' ? undefined : insidePath(location.href);
    redirect({ to: '/login', search: next ? { next } : {}, throw: true });
  },
  component: Shell,
});

const fleet = createRoute({
  getParentRoute: () => app,
  path: '/',
  validateSearch: readFleetFilter,
  component: Fleet,
});

const findings = createRoute({
  getParentRoute: () => app,
  path: '/findings',
  validateSearch: readFindingsSearch,
  component: lazyRouteComponent(() => import('./findings/Findings.tsx'), 'Findings'),
});

export function createPage(session: Session) {
  return createRouter({
    routeTree: root.addChildren([login, setup, app.addChildren([fleet, findings])]),
    context: { session },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPendingComponent: Starting,
    defaultErrorComponent: Broken,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPage>;
  }
}
