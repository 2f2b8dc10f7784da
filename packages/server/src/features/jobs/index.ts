export { JOB_EVENT } from './announce.ts';
export { createJobsEngine, type JobsEngine } from './engine.ts';
export { jobsOperations } from './jobs.operations.ts';
export { createJobsService, type JobsService } from './jobs.service.ts';
export { trimJobs } from './jobs.store.ts';
export { jobLimits } from './limits.ts';
