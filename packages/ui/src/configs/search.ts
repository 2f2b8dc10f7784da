// What the addresses of configurations say: which view, and which versions are compared.
import { DELIVERY_STATES, type DeliveryState } from '../api/configs.ts';
import { chosen } from '../lib/search.ts';

/** The first of a screen stands in its address without a name. */
export const VIEWS = ['edit', 'drafts', 'history', 'runtime', 'delivery', 'layer'] as const;
export type View = (typeof VIEWS)[number];

export interface ConfigSearch {
  view?: View;
  /** Versions that are compared, in `history`. */
  from?: string;
  to?: string;
}

/** An address made by hand must not ask the server for what is no version. */
const VERSION = /^\d{1,9}$/;

export function readConfigSearch(search: Record<string, unknown>): ConfigSearch {
  const view = chosen(search['view'], VIEWS)[0];
  const version = (name: 'from' | 'to') => {
    const value = search[name];
    return view === 'history' && typeof value === 'string' && VERSION.test(value)
      ? { [name]: String(Number(value)) }
      : {};
  };
  return { ...(view ? { view } : {}), ...version('from'), ...version('to') };
}

export interface DeliveriesSearch {
  state?: DeliveryState;
}

export function readDeliveriesSearch(search: Record<string, unknown>): DeliveriesSearch {
  const state = chosen(search['state'], DELIVERY_STATES)[0];
  return state ? { state } : {};
}

export interface DraftSearch {
  view?: 'edit';
}

export function readDraftSearch(search: Record<string, unknown>): DraftSearch {
  return search['view'] === 'edit' ? { view: 'edit' } : {};
}
