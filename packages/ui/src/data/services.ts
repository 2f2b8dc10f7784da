// What every part of the page may use, handed down instead of imported as a global.
import { createContext, useContext } from 'react';
import type { Api } from '../api/index.ts';
import type { Session } from '../api/session.ts';
import type { Live } from '../live/live.ts';

export interface Services {
  session: Session;
  api: Api;
  live: Live;
}

const Context = createContext<Services | undefined>(undefined);

export const ServicesProvider = Context.Provider;

export function useServices(): Services {
  const services = useContext(Context);
  if (!services) throw new Error('useServices outside of ServicesProvider');
  return services;
}
