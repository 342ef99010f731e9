-- Events that end in PostgreSQL: streams create_user_account and account_profile_complete.
-- One row an event, in the order of arrival; the event's id makes a second delivery change nothing.
CREATE TABLE referral (
  event_id            uuid PRIMARY KEY,
  -- The routing key: user.client.account.create or user.client.account.profile.completed.
  event_type          text NOT NULL,
  account_id          text NOT NULL,
  user_id             text NOT NULL DEFAULT '',
  client_id           text NOT NULL DEFAULT '',
  referral_code       text NOT NULL DEFAULT '',
  referrer_account_id text NOT NULL DEFAULT '',
  referral_source     text NOT NULL DEFAULT '',
  platform            text NOT NULL DEFAULT '',
  handle              text NOT NULL DEFAULT '',
  event_timestamp     timestamptz,
  details             jsonb NOT NULL DEFAULT '{}',
  received_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX referral_by_account ON referral (account_id, event_type);
CREATE INDEX referral_by_code ON referral (referral_code) WHERE referral_code <> '';

-- One row an account: who came through whose code, and since when it counts.
CREATE VIEW referral_account AS
SELECT account_id,
       max(referral_code) AS referral_code,
       max(referrer_account_id) AS referrer_account_id,
       min(coalesce(event_timestamp, received_at)) FILTER (WHERE event_type = 'user.client.account.create') AS created_at,
       min(coalesce(event_timestamp, received_at)) FILTER (WHERE event_type = 'user.client.account.profile.completed') AS completed_at
FROM referral
GROUP BY account_id;
