-- What has become of drafts that are no more: whoever comes a moment too late is told. As old as a draft gets.
CREATE TABLE config_draft_ends (
  draft_id uuid PRIMARY KEY,
  scope    varchar(16) NOT NULL,
  scope_id varchar(128) NOT NULL,
  fate     varchar(16) NOT NULL
    CHECK (fate IN ('published', 'rolled_out', 'discarded', 'expired', 'dropped')),
  -- Of its layer, which says what the draft said.
  version  bigint,
  job_id   uuid,
  ended_by text NOT NULL,
  ended_at timestamptz NOT NULL
);
CREATE INDEX config_draft_ends_oldest ON config_draft_ends (ended_at);
