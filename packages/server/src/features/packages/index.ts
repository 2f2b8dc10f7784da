/** What other features may import of packages. */
export {
  type Approval,
  decide,
  type PackageRow,
  type PackageState,
  type SignatureFound,
  type Verdict,
} from './package.ts';
export { createPackageStore, type PackageStore, type StagedPackage } from './package-store.ts';
export { type PackagesPort, packagesOperations } from './packages.operations.ts';
export { createPackagesService, type PackagesService } from './packages.service.ts';
export { type PublishersPort, publishersOperations } from './publishers.operations.ts';
export { allPublishers, publisherById } from './publishers.store.ts';
export { createPublishersService, type PublishersService } from './publishers.ts';
