-- coffee: keys of tenants, and the indexes that its searches stand on.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A key is PREFIX_SECRET; the prefix is shown, of the secret only the SHA-256 is kept (it is 256 random bits, so a slow hash would add nothing).
CREATE TABLE coffee.api_key (
  prefix     text PRIMARY KEY,
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  tenant     text NOT NULL CHECK (tenant <> ''),
  name       text NOT NULL DEFAULT '',
  scopes     text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX api_key_tenant ON coffee.api_key (tenant);

-- Orders of a search. A count that is not known stands as -1, so that one index range serves a page wherever it begins; the id breaks ties.
CREATE INDEX youtube_account_followers ON beat.youtube_account ((coalesce(followers, -1)) DESC, channel_id COLLATE "C");
CREATE INDEX youtube_account_views ON beat.youtube_account ((coalesce(views, -1)) DESC, channel_id COLLATE "C");
CREATE INDEX youtube_account_uploads ON beat.youtube_account ((coalesce(uploads, -1)) DESC, channel_id COLLATE "C");
CREATE INDEX youtube_account_published ON beat.youtube_account ((coalesce(published_at, '-infinity'::timestamptz)) DESC, channel_id COLLATE "C");
CREATE INDEX youtube_account_country ON beat.youtube_account (country, (coalesce(followers, -1)) DESC, channel_id COLLATE "C");
-- LIKE anywhere, in either case; the blank in front makes the first word begin like every other, so that short texts are found by '% ab%'.
CREATE INDEX youtube_account_names ON beat.youtube_account USING gin ((' ' || title) gin_trgm_ops, (' ' || custom_url) gin_trgm_ops);
