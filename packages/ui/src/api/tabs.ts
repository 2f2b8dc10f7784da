// The tabs of this browser, which share one refresh cookie: they take turns, and tell each other.

export type TabMessage = { type: 'token'; access: string; expiresAt: number } | { type: 'out' };

export interface Tabs {
  /** Runs when no other tab runs, and holds the others back meanwhile. */
  alone<T>(run: () => Promise<T>): Promise<T>;
  /** Tells the other tabs; not this one. */
  tell(message: TabMessage): void;
  hear(listener: (message: TabMessage) => void): void;
}

const NAME = 'opmas.session';

export interface TabsPorts {
  locks: Pick<LockManager, 'request'>;
  channel: Pick<BroadcastChannel, 'postMessage' | 'addEventListener'>;
}

/** Without `ports` the tab is on its own. */
export function createTabs(ports?: TabsPorts): Tabs {
  let queue: Promise<unknown> = Promise.resolve();
  return {
    alone: async <T>(run: () => Promise<T>): Promise<T> => {
      if (ports) return ports.locks.request(NAME, run);
      const turn = queue.then(run, run);
      queue = turn.catch(() => {});
      return turn;
    },
    tell: (message) => ports?.channel.postMessage(message),
    hear: (listener) => {
      ports?.channel.addEventListener('message', ({ data }) => {
        const message = readTabMessage(data);
        if (message) listener(message);
      });
    },
  };
}

/** Without HTTPS (other than on this machine) a browser keeps no such cookie: there is nothing to share. */
export function browserTabs(): Tabs {
  return window.isSecureContext
    ? createTabs({ locks: navigator.locks, channel: new BroadcastChannel(NAME) })
    : createTabs();
}

/** `undefined` for what this version does not understand: a page of another one may be open beside it. */
export function readTabMessage(data: unknown): TabMessage | undefined {
  if (typeof data !== 'object' || data === null || !('type' in data)) return undefined;
  if (data.type === 'out') return { type: 'out' };
  if (data.type !== 'token' || !('access' in data) || !('expiresAt' in data)) return undefined;
  const { access, expiresAt } = data;
  return typeof access === 'string' && typeof expiresAt === 'number'
    ? { type: 'token', access, expiresAt }
    : undefined;
}
