// Addresses are typed and pasted by anyone.
import { expect, test } from 'vitest';
import { readConfigSearch, readDeliveriesSearch } from './search.ts';

test('a view and two versions are read, anything else is left out', () => {
  expect(readConfigSearch({ view: 'history', from: '3', to: '012' })).toEqual({
    view: 'history',
    from: '3',
    to: '12',
  });
  expect(readConfigSearch({ view: 'edit', from: '3' })).toEqual({ view: 'edit' });
  expect(readConfigSearch({ view: 'history', from: '-1', to: '9999999999' })).toEqual({
    view: 'history',
  });
  expect(readConfigSearch({ view: '__proto__', from: {}, x: 1 })).toEqual({});
});

test('one state of deliveries is read', () => {
  expect(readDeliveriesSearch({ state: 'rejected' })).toEqual({ state: 'rejected' });
  expect(readDeliveriesSearch({ state: 'gone' })).toEqual({});
});
