-- Who let a package's files run and when, who vouches for them, and whose word counts.

ALTER TABLE packages
  ADD COLUMN approved_by text,
  ADD COLUMN approved_at timestamptz,
  -- {key_id, signed_at, publisher}: what judging found of its signature.
  ADD COLUMN signature jsonb;

CREATE TABLE publishers (
  key_id     varchar(32) PRIMARY KEY,
  name       varchar(128) NOT NULL,
  public_key text NOT NULL,
  added_by   text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX publishers_name ON publishers (lower(name));
