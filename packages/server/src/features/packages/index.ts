/** What other features may import of packages. */
export {
  type Approval,
  decide,
  type PackageRow,
  type PackageState,
  RefusedPackage,
  type Verdict,
} from './package.ts';
export { createPackageStore, type PackageStore, type StagedPackage } from './package-store.ts';
export { codeOf, readPlainFile, show } from './package-tree.ts';
export { type PackagesPort, packagesOperations } from './packages.operations.ts';
export { createPackagesService, type PackagesService } from './packages.service.ts';
