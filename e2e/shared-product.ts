/** One product for the suites of a test file, so that a file starts it once. */
import { afterAll, beforeAll } from 'vitest';
import { limits } from './limits.ts';
import { type Product, type ProductOptions, startProduct } from './product.ts';

/** Given to the suites of one test file; the product is there from their first hook on. */
export interface SharedProduct {
  readonly product: Product;
}

/** For the top of a test file. Named agents run when the first suite begins. */
export function shareProduct(
  options: ProductOptions & { agents: readonly string[] },
): SharedProduct {
  let product: Product | undefined;
  beforeAll(async () => {
    product = await startProduct(options);
    await product.waitForAgents(options.agents.length);
  }, limits.startMs + limits.agentsMs);
  afterAll(() => product?.stop(), limits.stopMs * 2);
  return {
    get product() {
      if (product === undefined) throw new Error('the product did not start');
      return product;
    },
  };
}
