-- beat: the task queue, its outbox of state changes, credentials, and what is known of accounts and posts.
-- The state machine of scrape_request_log is drawn in docs/beat.md.
CREATE SCHEMA IF NOT EXISTS beat;

CREATE TABLE beat.scrape_request_log (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  idempotency_key text UNIQUE,
  platform        text NOT NULL,
  flow            text NOT NULL,
  params          jsonb NOT NULL DEFAULT '{}',
  status          text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'PROCESSING', 'COMPLETE', 'FAILED')),
  priority        int NOT NULL DEFAULT 0,
  reason          text,
  retry_count     int NOT NULL DEFAULT 0,
  account_id      text,
  data            jsonb,
  created_at      timestamptz NOT NULL DEFAULT now(),
  picked_at       timestamptz,
  scraped_at      timestamptz,
  -- Past it a waiting task is of no use. The asker's deadline while PENDING, at most an hour after the pick while PROCESSING.
  expires_at      timestamptz,
  deadline        timestamptz,
  -- Picks that counted; at max_attempts the next failure is the last.
  attempts        int NOT NULL DEFAULT 0,
  max_attempts    int NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
  run_after       timestamptz NOT NULL DEFAULT now(),
  -- Set when the task was put back because this source had no credential or quota left.
  waiting_for     text,
  lease_owner     text,
  lease_until     timestamptz,
  -- Counts the picks: the fencing token of whoever holds the task.
  lease_token     bigint NOT NULL DEFAULT 0
);
-- Claims: by flow, highest priority first, then oldest.
CREATE INDEX scrape_request_log_claim ON beat.scrape_request_log (flow, priority DESC, id) INCLUDE (run_after, expires_at) WHERE status = 'PENDING';
CREATE INDEX scrape_request_log_lease ON beat.scrape_request_log (lease_until) WHERE status = 'PROCESSING';
CREATE INDEX scrape_request_log_expiry ON beat.scrape_request_log (expires_at) WHERE status = 'PENDING' AND expires_at IS NOT NULL;
CREATE INDEX scrape_request_log_waiting ON beat.scrape_request_log (waiting_for) WHERE status = 'PENDING' AND waiting_for IS NOT NULL;
CREATE INDEX scrape_request_log_failed ON beat.scrape_request_log (id) WHERE status = 'FAILED';
-- Rows die young and often: vacuum before the claim index is full of the dead, and leave room for updates in place.
ALTER TABLE beat.scrape_request_log SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Every state change, written in the same transaction as the change itself, published as scrape_request_log_events and then deleted.
CREATE TABLE beat.scrape_request_log_outbox (
  seq  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  body jsonb NOT NULL
);
ALTER TABLE beat.scrape_request_log_outbox SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- Whoever enqueues, by whatever SQL, wakes the workers and leaves the event.
CREATE FUNCTION beat.scrape_request_log_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO beat.scrape_request_log_outbox (body)
  SELECT jsonb_build_object('scl_id', n.id, 'platform', n.platform, 'flow', n.flow, 'params', n.params, 'status', n.status, 'priority', n.priority,
                            'reason', n.reason, 'picked_at', n.picked_at, 'expires_at', n.expires_at, 'retry_count', n.retry_count)
  FROM new_rows n;
  IF EXISTS (SELECT FROM new_rows WHERE status = 'PENDING' AND run_after <= clock_timestamp()) THEN
    PERFORM pg_notify('beat_scrape_request_log', '');
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION beat.scrape_request_log_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO beat.scrape_request_log_outbox (body)
  SELECT jsonb_build_object('scl_id', n.id, 'platform', n.platform, 'flow', n.flow, 'params', n.params, 'status', n.status, 'priority', n.priority,
                            'reason', n.reason, 'picked_at', n.picked_at, 'expires_at', n.expires_at, 'retry_count', n.retry_count)
  FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status;
  IF EXISTS (SELECT FROM new_rows WHERE status = 'PENDING' AND run_after <= clock_timestamp()) THEN
    PERFORM pg_notify('beat_scrape_request_log', '');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER scrape_request_log_inserted AFTER INSERT ON beat.scrape_request_log
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION beat.scrape_request_log_inserted();
CREATE TRIGGER scrape_request_log_updated AFTER UPDATE ON beat.scrape_request_log
  REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION beat.scrape_request_log_updated();

CREATE TABLE beat.credential (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  idempotency_key     text UNIQUE,
  source              text NOT NULL,
  handle              text,
  credentials         jsonb NOT NULL,
  enabled             boolean NOT NULL DEFAULT true,
  disabled_till       timestamptz,
  data_access_expired boolean NOT NULL DEFAULT false,
  reason              text,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX credential_source ON beat.credential (source) WHERE enabled;

CREATE TABLE beat.youtube_account (
  channel_id          text PRIMARY KEY,
  title               text,
  custom_url          text,
  description         text,
  country             text,
  thumbnail_url       text,
  published_at        timestamptz,
  uploads_playlist_id text,
  followers           bigint,
  views               bigint,
  uploads             bigint,
  observed_at         timestamptz NOT NULL,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE beat.youtube_post (
  video_id         text PRIMARY KEY,
  channel_id       text,
  title            text,
  description      text,
  tags             text[],
  category_id      int,
  thumbnail_url    text,
  published_at     timestamptz,
  duration_seconds int,
  views            bigint,
  likes            bigint,
  comments         bigint,
  observed_at      timestamptz NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX youtube_post_channel ON beat.youtube_post (channel_id);
