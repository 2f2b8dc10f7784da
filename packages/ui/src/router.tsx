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
import { readAuditSearch } from './audit/filter.ts';
import { readConfigSearch, readDeliveriesSearch, readDraftSearch } from './configs/search.ts';
import { readFindingsSearch } from './findings/filter.ts';
import { Fleet } from './fleet/Fleet.tsx';
import { readFleetFilter } from './fleet/filter.ts';
import { readJobSearch, readJobsSearch, readNewRolloutSearch } from './jobs/search.ts';
import { insidePath, only, parseSearch, stringifySearch, words } from './lib/search.ts';
import { limits } from './limits.ts';
import { readRulesSearch } from './rules/filter.ts';
import { Shell } from './shell/Shell.tsx';
import { Broken, NotFound, Starting } from './shell/Trouble.tsx';
import { Login } from './signin/Login.tsx';
import { readSourcesSearch } from './sources/filter.ts';
import { readTokensSearch } from './tokens/state.ts';
import { readUsersSearch } from './users/filter.ts';

interface LoginSearch {
  /** Where to go on after sign-in. */
  next?: string;
  /** Another site sent the visitor back without signing in: why. */
  refused?: string;
}

const readLoginSearch = only((search): LoginSearch => {
  const next = insidePath(search['next']);
  const refused = words(search['refused'], limits.filterChars);
  return { ...(next ? { next } : {}), ...(refused ? { refused } : {}) };
});

const root = createRootRouteWithContext<{ session: Session }>()({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: readLoginSearch,
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
  validateSearch: only((search): { code?: string } => {
    const code = words(search['code'], 256);
    return code ? { code } : {};
  }),
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
  validateSearch: only(readFleetFilter),
  component: Fleet,
});

const findings = createRoute({
  getParentRoute: () => app,
  path: '/findings',
  validateSearch: only(readFindingsSearch),
  component: lazyRouteComponent(() => import('./findings/Findings.tsx'), 'Findings'),
});

const packages = createRoute({
  getParentRoute: () => app,
  path: '/packages',
  validateSearch: only((search): { package?: string } => {
    const name = words(search['package'], limits.filterChars);
    return name ? { package: name } : {};
  }),
  component: lazyRouteComponent(() => import('./packages/Packages.tsx'), 'Packages'),
});

const rules = createRoute({
  getParentRoute: () => app,
  path: '/rules',
  validateSearch: only(readRulesSearch),
  component: lazyRouteComponent(() => import('./rules/Rules.tsx'), 'Rules'),
});

const sources = createRoute({
  getParentRoute: () => app,
  path: '/sources',
  validateSearch: only(readSourcesSearch),
  component: lazyRouteComponent(() => import('./sources/Sources.tsx'), 'Sources'),
});

const tryRules = createRoute({
  getParentRoute: () => app,
  path: '/rules/try',
  validateSearch: only((search): { agent?: string; rule?: string } => {
    const agent = words(search['agent'], limits.idChars);
    const rule = words(search['rule'], limits.idChars);
    return { ...(agent ? { agent } : {}), ...(rule ? { rule } : {}) };
  }),
  component: lazyRouteComponent(() => import('./rules/try/Try.tsx'), 'Try'),
});

const jobs = createRoute({
  getParentRoute: () => app,
  path: '/jobs',
  validateSearch: only(readJobsSearch),
  component: lazyRouteComponent(() => import('./jobs/Jobs.tsx'), 'Jobs'),
});

const newRollout = createRoute({
  getParentRoute: () => app,
  path: '/jobs/new',
  validateSearch: only(readNewRolloutSearch),
  component: lazyRouteComponent(() => import('./jobs/NewRollout.tsx'), 'NewRollout'),
});

const job = createRoute({
  getParentRoute: () => app,
  path: '/jobs/$job',
  validateSearch: only(readJobSearch),
  component: lazyRouteComponent(() => import('./jobs/JobScreen.tsx'), 'JobScreen'),
});

const account = createRoute({
  getParentRoute: () => app,
  path: '/account',
  component: lazyRouteComponent(() => import('./account/Account.tsx'), 'Account'),
});

const users = createRoute({
  getParentRoute: () => app,
  path: '/users',
  validateSearch: only(readUsersSearch),
  component: lazyRouteComponent(() => import('./users/Users.tsx'), 'Users'),
});

const roles = createRoute({
  getParentRoute: () => app,
  path: '/roles',
  validateSearch: only((search): { role?: string } => {
    const role = words(search['role'], limits.idChars);
    return role ? { role } : {};
  }),
  component: lazyRouteComponent(() => import('./roles/Roles.tsx'), 'Roles'),
});

const tokens = createRoute({
  getParentRoute: () => app,
  path: '/tokens',
  validateSearch: only(readTokensSearch),
  component: lazyRouteComponent(() => import('./tokens/Tokens.tsx'), 'Tokens'),
});

const audit = createRoute({
  getParentRoute: () => app,
  path: '/audit',
  validateSearch: only(readAuditSearch),
  component: lazyRouteComponent(() => import('./audit/Audit.tsx'), 'Audit'),
});

const configs = createRoute({
  getParentRoute: () => app,
  path: '/configs',
  validateSearch: only(readDeliveriesSearch),
  component: lazyRouteComponent(() => import('./configs/Configs.tsx'), 'Configs'),
});

const fleetConfig = createRoute({
  getParentRoute: () => app,
  path: '/configs/fleet',
  validateSearch: only(readConfigSearch),
  component: lazyRouteComponent(() => import('./configs/LayerConfig.tsx'), 'FleetConfig'),
});

const environmentConfig = createRoute({
  getParentRoute: () => app,
  path: '/configs/environments/$environment',
  validateSearch: only(readConfigSearch),
  component: lazyRouteComponent(() => import('./configs/LayerConfig.tsx'), 'EnvironmentConfig'),
});

const agentConfig = createRoute({
  getParentRoute: () => app,
  path: '/configs/agents/$agent',
  validateSearch: only(readConfigSearch),
  component: lazyRouteComponent(() => import('./configs/AgentConfig.tsx'), 'AgentConfig'),
});

const drafts = createRoute({
  getParentRoute: () => app,
  path: '/configs/drafts',
  component: lazyRouteComponent(() => import('./configs/drafts/Drafts.tsx'), 'Drafts'),
});

const draft = createRoute({
  getParentRoute: () => app,
  path: '/configs/drafts/$draft',
  validateSearch: only(readDraftSearch),
  component: lazyRouteComponent(() => import('./configs/drafts/DraftScreen.tsx'), 'DraftScreen'),
});

const groups = createRoute({
  getParentRoute: () => app,
  path: '/groups',
  component: lazyRouteComponent(() => import('./groups/Groups.tsx'), 'Groups'),
});

const group = createRoute({
  getParentRoute: () => app,
  path: '/groups/$name',
  validateSearch: only(readConfigSearch),
  component: lazyRouteComponent(() => import('./groups/GroupScreen.tsx'), 'GroupScreen'),
});

const configRoutes = [
  configs,
  fleetConfig,
  environmentConfig,
  agentConfig,
  drafts,
  draft,
  groups,
  group,
] as const;

export function createPage(session: Session) {
  return createRouter({
    routeTree: root.addChildren([
      login,
      setup,
      app.addChildren([
        fleet,
        findings,
        sources,
        rules,
        tryRules,
        jobs,
        newRollout,
        job,
        packages,
        account,
        users,
        roles,
        tokens,
        audit,
        ...configRoutes,
      ]),
    ]),
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

  interface HistoryState {
    /** The screen of a group was left because the group is gone. */
    deletedGroup?: string;
    /** The screen of a draft was left because the draft is gone: what became of it. */
    draftSaid?: string;
  }
}
