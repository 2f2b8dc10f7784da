-- Drafts that a job rolls out in waves.

-- The job that has taken the draft over, and of one that came back: the job it came back from, and why.
ALTER TABLE config_drafts
  ADD COLUMN job_id          uuid,
  ADD COLUMN returned_by     uuid,
  ADD COLUMN returned_reason text,
  ADD CHECK ((returned_by IS NULL) = (returned_reason IS NULL)),
  ADD CHECK (job_id IS NULL OR returned_by IS NULL);
-- A job ends the draft that it has taken over, and no other.
CREATE UNIQUE INDEX config_drafts_job ON config_drafts (job_id) WHERE job_id IS NOT NULL;

-- The draft that a rollout was made of. It outlives the draft.
ALTER TABLE jobs ADD COLUMN draft_id uuid;
