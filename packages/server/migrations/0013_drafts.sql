-- Drafts: layers of configuration that somebody prepares, seen by all who may read the layer, published whole.

CREATE TABLE config_drafts (
  draft_id     uuid PRIMARY KEY,
  scope        varchar(16) NOT NULL CHECK (scope IN ('environment', 'fleet', 'group', 'agent')),
  -- As in config_layers.
  scope_id     varchar(128) NOT NULL,
  document     jsonb NOT NULL,
  -- The version of the layer that it changes; 0 is the empty one before the first.
  base_version bigint NOT NULL,
  -- Of the draft itself: grows with every change of it.
  version      bigint NOT NULL,
  reason       text,
  author       text NOT NULL,
  updated_by   text NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL
);
CREATE INDEX config_drafts_newest ON config_drafts (updated_at DESC, draft_id DESC);
CREATE INDEX config_drafts_scope ON config_drafts (scope, scope_id);

-- A secret that came with a draft and is in no layer yet: it goes when the draft does.
ALTER TABLE config_secrets
  ADD COLUMN draft_id uuid REFERENCES config_drafts (draft_id) ON DELETE CASCADE;
CREATE INDEX config_secrets_draft ON config_secrets (draft_id) WHERE draft_id IS NOT NULL;
