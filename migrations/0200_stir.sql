-- What stir publishes for the API, empty until the first run, and the history of its runs.
CREATE SCHEMA IF NOT EXISTS coffee;
CREATE SCHEMA IF NOT EXISTS stir;

-- stir replaces these three whole at each publish; their columns are declared once more in config/dags, and a test holds the two together.
CREATE TABLE coffee.leaderboard (
  platform                          text NOT NULL,
  month                             date NOT NULL,
  profile_id                        text NOT NULL,
  handle                            text,
  title                             text,
  thumbnail_url                     text,
  country                           text,
  category                          text,
  language                          text,
  followers                         bigint,
  followers_change                  bigint,
  views                             bigint,
  views_change                      bigint,
  likes                             bigint,
  comments                          bigint,
  uploads                           bigint,
  engagement_rate                   double precision,
  followers_rank                    bigint,
  followers_change_rank             bigint,
  views_rank                        bigint,
  views_change_rank                 bigint,
  followers_rank_by_category        bigint,
  followers_change_rank_by_category bigint,
  views_rank_by_category            bigint,
  views_change_rank_by_category     bigint,
  previous_ranks                    jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (platform, month, profile_id)
);
CREATE TABLE coffee.time_series (
  platform   text NOT NULL,
  profile_id text NOT NULL,
  date       date NOT NULL,
  followers  bigint,
  views      bigint,
  uploads    bigint,
  is_gap     boolean NOT NULL,
  PRIMARY KEY (platform, profile_id, date)
);
CREATE TABLE coffee.post_growth (
  platform        text NOT NULL,
  shortcode       text NOT NULL,
  profile_id      text NOT NULL,
  title           text,
  channel_title   text,
  category        text,
  thumbnail_url   text,
  published_at    timestamptz,
  first_date      date NOT NULL,
  last_date       date NOT NULL,
  first_views     bigint,
  last_views      bigint,
  views_growth    bigint,
  likes_growth    bigint,
  comments_growth bigint,
  growth_rank     bigint NOT NULL,
  PRIMARY KEY (platform, shortcode)
);

-- One row a table and publish.
CREATE TABLE coffee.publication (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  snapshot_id uuid NOT NULL,
  table_name  text NOT NULL,
  model       text NOT NULL,
  rows        bigint NOT NULL,
  object      text NOT NULL,
  started_at  timestamptz NOT NULL,
  finished_at timestamptz NOT NULL
);
CREATE INDEX publication_table ON coffee.publication (table_name, id DESC);

CREATE TABLE stir.run (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dag          text NOT NULL,
  trigger      text NOT NULL CHECK (trigger IN ('schedule', 'request', 'command')),
  status       text NOT NULL DEFAULT 'RUNNING' CHECK (status IN ('RUNNING', 'SUCCESS', 'FAILED')),
  attempt      int NOT NULL DEFAULT 1,
  started_at   timestamptz NOT NULL DEFAULT now(),
  heartbeat_at timestamptz NOT NULL DEFAULT now(),
  finished_at  timestamptz,
  error        text,
  report       jsonb
);
-- One active run a DAG.
CREATE UNIQUE INDEX run_active ON stir.run (dag) WHERE status = 'RUNNING';
CREATE INDEX run_dag ON stir.run (dag, id DESC);
