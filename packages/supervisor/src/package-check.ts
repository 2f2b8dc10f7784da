/** Are these the files that were approved? Asked anew before every start. */
import { digestOf, RefusedPackage, readTree } from '@opmas/keyring';
import { PACKAGE_ALTERED } from '@opmas/protocol';

/**
 * Reads and hashes every file of the package: nothing is remembered between two starts, because a
 * fingerprint can be forged by whoever may write the files.
 * @returns why it must not be started; undefined when it is what was approved
 */
export async function checkPackage(dir: string, digest: string): Promise<string | undefined> {
  try {
    const files = await readTree(dir);
    if (digestOf(files) !== digest) {
      return `${PACKAGE_ALTERED}: the files in ${dir} are not those that were approved`;
    }
    const writable = files.find((file) => file.writable);
    if (writable === undefined) return undefined;
    return `${PACKAGE_ALTERED}: ${writable.path} in ${dir} was made writable`;
  } catch (error) {
    if (error instanceof RefusedPackage) return `${PACKAGE_ALTERED}: ${error.message} in ${dir}`;
    throw error;
  }
}
