// Shows the page that fits the session: starting, out of reach, or the router's.
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useSyncExternalStore } from 'react';
import { useServices } from './data/services.ts';
import type { createPage } from './router.tsx';
import { Starting, Unreachable } from './shell/Trouble.tsx';

export function App({ router }: { router: ReturnType<typeof createPage> }) {
  const { session } = useServices();
  const { phase } = useSyncExternalStore(session.subscribe, session.state);
  useEffect(() => {
    // Signed in or out: the routes decide again who may see what.
    if (phase === 'in' || phase === 'out') void router.invalidate();
  }, [phase, router]);
  if (phase === 'starting') return <Starting />;
  if (phase === 'unreachable') return <Unreachable />;
  return <RouterProvider router={router} />;
}
