-- People: users from a provider, second factors, sessions one can look at, and the throttle of guesses.

-- Users of a provider have no password here; they are known by issuer and subject, never by name.
ALTER TABLE users
  ALTER COLUMN password_hash DROP NOT NULL,
  ADD COLUMN disabled_at timestamptz,
  ADD COLUMN issuer text,
  ADD COLUMN subject text,
  ADD COLUMN last_login_at timestamptz,
  -- Shorter than a password alone may be: the second factor cannot be taken away before a longer one is set.
  ADD COLUMN password_short boolean NOT NULL DEFAULT false,
  -- Sealed; the proposed one counts once a code of it was given.
  ADD COLUMN totp_secret text,
  ADD COLUMN totp_proposed text,
  -- The last time step a code was taken of: a code is used once.
  ADD COLUMN totp_step bigint,
  ADD CONSTRAINT users_provider CHECK ((issuer IS NULL) = (subject IS NULL));
CREATE UNIQUE INDEX users_subject ON users (issuer, subject) WHERE issuer IS NOT NULL;
CREATE INDEX users_roles ON users USING gin (roles);

CREATE TABLE recovery_codes (
  user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash varchar(64) NOT NULL,
  PRIMARY KEY (user_id, code_hash)
);

ALTER TABLE sessions
  ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN remote text,
  ADD COLUMN user_agent text;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- Who exchanged the token, and the salt its successor was made with: the same client that lost the answer
-- gets the same successor again for a moment.
ALTER TABLE refresh_tokens
  ADD COLUMN used_by varchar(64),
  ADD COLUMN successor_salt text,
  ADD COLUMN successor_hash varchar(64);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Access tokens of a user issued before this time are refused; kept as long as such a token may live.
CREATE TABLE access_changes (
  user_id    uuid PRIMARY KEY,
  changed_at timestamptz NOT NULL
);
CREATE INDEX access_changes_age ON access_changes (changed_at);

-- Failed guesses by what was guessed at and from where; the names are hashed.
CREATE TABLE throttle (
  key           varchar(80) PRIMARY KEY,
  failures      integer NOT NULL,
  blocked_until timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL
);
CREATE INDEX throttle_age ON throttle (updated_at);

-- Sign-ins through a provider that came back: none comes back twice.
CREATE TABLE oidc_returns (
  state_hash varchar(64) PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
